/* How names and quantities are set: which letter, what stands below it, what is a fraction. Each format says what
   a letter, a subscript or a fraction looks like. */

import type { Names } from "./network";
import type { Quantity } from "./quantity";

export interface Pieces<T> {
  italic(letter: string): T;
  word(word: string): T;
  text(text: string): T;
  digits(digits: string): T;
  greek(name: string): T;
  row(...parts: T[]): T;
  below(base: T, index: T): T;
  plus(base: T): T;
  accent(letter: string, accent: "hat" | "bar"): T;
  fresh(shown: T): T;
  fraction(above: T, below: T): T;
  partial(shown: T): T;
  linked(shown: T, quantity: Quantity): T;
}

const GREEK = new Set(["alpha", "beta", "gamma", "delta", "eps", "rho", "mu", "nu"]);
const STATES: Record<string, [string, "hat" | "bar"]> = { m_hat: ["m", "hat"], v_hat: ["v", "hat"], clipped: ["g", "bar"] };

export class Symbols<T> {
  constructor(
    readonly names: Names,
    readonly pieces: Pieces<T>,
  ) {}

  write(key: string | Quantity): T {
    if (typeof key === "string") return this.pieces.text(key);
    return this.pieces.linked(this.quantity(key), key);
  }

  /** Whether it is raised already or a fraction: it takes parentheses to be raised. */
  isCompound(key: string | Quantity): boolean {
    if (typeof key === "string") return false;
    if (key.kind === "derivative") return !(this.isSignal(key));
    return key.kind === "updated" || (key.kind === "named" && key.name.startsWith("1/"));
  }

  private isSignal(quantity: Quantity): boolean {
    return !this.names.lecture && quantity.kind === "derivative" && quantity.of.kind === "total" && quantity.by.kind === "sum";
  }

  private quantity(quantity: Quantity): T {
    const { names, pieces: p } = this;
    const { network } = names;
    const { layer, unit } = quantity;
    switch (quantity.kind) {
      case "target":
        return this.word("target", "t", p.digits(String(unit + 1)));
      case "sum":
        return this.word("sum", "z", this.inner(network.unitName(layer, unit)));
      case "output":
        if (layer < 0) return this.subscripted(network.inputName(unit));
        return this.word("output", "a", this.inner(network.unitName(layer, unit)));
      case "error":
        return p.below(p.italic(names.lecture ? "E" : "L"), p.digits(String(unit + 1)));
      case "total":
        return names.lecture ? p.below(p.italic("E"), p.word("total")) : p.italic("L");
      case "penalty":
        return p.word("penalty");
      case "parameter":
        return this.subscripted(network.parameterName(unit));
      case "rate":
        return names.lecture ? p.italic("n") : p.greek("eta");
      case "updated": {
        const of = this.quantity(quantity.of);
        return names.lecture ? p.fresh(of) : p.plus(of);
      }
      case "state": {
        const accent = STATES[quantity.name];
        const letter = accent ? p.accent(...accent) : this.upright(quantity.name);
        return p.below(letter, this.inner(network.parameterName(unit)));
      }
      case "named":
        return this.named(quantity.name);
      case "derivative":
        if (this.isSignal(quantity)) return p.below(p.greek("delta"), this.inner(network.unitName(quantity.by.layer, quantity.by.unit)));
        return p.fraction(p.partial(this.quantity(quantity.of)), p.partial(this.quantity(quantity.by)));
    }
  }

  private word(lecture: string, standard: string, index: T): T {
    const { pieces: p } = this;
    return p.below(this.names.lecture ? p.word(lecture) : p.italic(standard), index);
  }

  /** A name in one piece. */
  private upright(name: string): T {
    const { pieces: p } = this;
    if (/^[A-Za-z]$/.test(name)) return p.italic(name);
    return /^[A-Za-z0-9_]+$/.test(name) ? p.word(name) : p.text(name);
  }

  /** w5 → w with 5 below, h1_1 → h with 1,1, b_h1 → b with h1. */
  private subscripted(name: string): T {
    const { pieces: p } = this;
    let match = /^([A-Za-z])(\d+)(?:_(\d+))?$/.exec(name);
    if (match) return p.below(p.italic(match[1]!), this.indices(match[2]!, match[3]));
    match = /^([A-Za-z])_([A-Za-z0-9_]+)$/.exec(name);
    return match ? p.below(p.italic(match[1]!), this.inner(match[2]!)) : this.upright(name);
  }

  /** A name inside a subscript, which has no subscripts of its own. */
  private inner(name: string): T {
    const { pieces: p } = this;
    const two = /^([A-Za-z])(\d+)_(\d+)$/.exec(name);
    if (two) return p.row(p.italic(two[1]!), this.indices(two[2]!, two[3]));
    const one = /^([A-Za-z]?)(\d*)$/.exec(name);
    if (!one || !name) return this.upright(name);
    const parts = [one[1] ? p.italic(one[1]) : null, one[2] ? p.digits(one[2]) : null];
    return p.row(...parts.filter((part) => part !== null) as T[]);
  }

  private indices(first: string, second: string | undefined): T {
    const { pieces: p } = this;
    return second === undefined ? p.digits(first) : p.row(p.digits(first), p.digits(","), p.digits(second));
  }

  /** A hyperparameter, or the number of the step. */
  private named(name: string): T {
    const { pieces: p } = this;
    const greek = /^([a-z]+)(\d*)$/.exec(name);
    if (greek && GREEK.has(greek[1]!)) {
      const letter = p.greek(greek[1]!);
      return greek[2] ? p.below(letter, p.digits(greek[2])) : letter;
    }
    const share = /^1\/(\d+)$/.exec(name);
    return share ? p.fraction(p.digits("1"), p.digits(share[1]!)) : this.upright(name);
  }
}
