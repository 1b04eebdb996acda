/* The quantities of a network: what a symbol stands for. Layers count from 0; the outputs of layer -1 are the
   inputs. Each has an id, by which it is compared, and by which the diagram and a derivation find each other. */

export interface Quantity {
  readonly kind:
    | "target" | "sum" | "output" | "error" | "total" | "penalty" | "unpenalized" | "parameter" | "updated" | "rate" | "state"
    | "named" | "derivative";
  readonly id: string;
  readonly layer: number;
  readonly unit: number;
  readonly name: string;
  readonly of: Quantity;
  readonly by: Quantity;
}

function make(kind: Quantity["kind"], id: string, parts: Partial<Quantity> = {}): Quantity {
  return { kind, id, layer: 0, unit: 0, name: "", ...parts } as Quantity;
}

export const output = (layer: number, unit: number): Quantity => make("output", `a${layer}.${unit}`, { layer, unit });
export const input = (index: number): Quantity => output(-1, index);
export const target = (index: number): Quantity => make("target", `t${index}`, { unit: index });
export const sum = (layer: number, unit: number): Quantity => make("sum", `z${layer}.${unit}`, { layer, unit });
export const error = (index: number): Quantity => make("error", `e${index}`, { unit: index });
export const TOTAL = make("total", "total");
/** The error of all outputs, without the penalty. */
export const UNPENALIZED = make("unpenalized", "unpenalized");
export const PENALTY = make("penalty", "penalty");
export const RATE = make("rate", "rate");
export const parameter = (index: number): Quantity => make("parameter", `p${index}`, { unit: index });
export const updated = (of: Quantity): Quantity => make("updated", `new ${of.id}`, { of });
export const state = (name: string, index: number): Quantity => make("state", `${name} of ${index}`, { name, unit: index });
export const named = (name: string): Quantity => make("named", `#${name}`, { name });
export const derivative = (of: Quantity, by: Quantity): Quantity => make("derivative", `d(${of.id})/d(${by.id})`, { of, by });

/** Those that a person can choose to have explained, by their id; null for anything else. */
export function chosen(id: string): Quantity | null {
  const kept = /^(new )?(?:(\w+) of |p)(\d+)$/.exec(id);
  if (kept && (kept[1] || kept[2])) {
    const of = kept[2] ? state(kept[2], Number(kept[3])) : parameter(Number(kept[3]));
    return kept[1] ? updated(of) : of;
  }
  if (/^#\w+$/.test(id)) return named(id.slice(1));
  const match = /^(?:(total|penalty|unpenalized|rate)|([azpte])(-?\d+)(?:\.(\d+))?|d\((.+)\)\/d\((.+)\))$/.exec(id);
  if (!match) return null;
  if (match[1]) return { total: TOTAL, penalty: PENALTY, unpenalized: UNPENALIZED, rate: RATE }[match[1]]!;
  if (match[5]) {
    const [of, by] = [chosen(match[5]), chosen(match[6]!)];
    return of && by && isDerived(of, by) ? derivative(of, by) : null;
  }
  const [first, second] = [Number(match[3]), match[4] === undefined ? null : Number(match[4])];
  if (second !== null) return match[2] === "a" ? output(first, second) : match[2] === "z" ? sum(first, second) : null;
  const makers: Record<string, (index: number) => Quantity> = { p: parameter, t: target, e: error };
  return makers[match[2]!]?.(first) ?? null;
}

/** Whether a derivation writes the derivative of one by the other. */
export function isDerived(of: Quantity, by: Quantity): boolean {
  if (of.kind === "total" || of.kind === "error") return by.kind === "sum" || by.kind === "output" || (of.kind === "error" && by.kind === "parameter");
  if (of.kind === "penalty" || of.kind === "unpenalized") return by.kind === "parameter";
  if (of.kind === "output") return by.kind === "sum" && by.layer === of.layer;
  return of.kind === "sum" && (by.kind === "parameter" || (by.kind === "output" && by.layer === of.layer - 1));
}
