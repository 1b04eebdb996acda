/* When something is wrong, and why: saturated units, dead ones, a loss that explodes. */

import type { ScalarActivation } from "./data";
import { isolated } from "./dom";
import { counted, every } from "./number";
import { slopeAt } from "./propagate";
import { sum, type Quantity } from "./quantity";
import type { Store } from "./store";
import { filledIn } from "./words";

export interface Warning {
  words: string;
  about: Quantity | null;
  /** Whether nothing is wrong: a unit may well be inactive for one example. */
  isNote?: boolean;
}

export function warningsOf(store: Store): Warning[] {
  return [...losses(store), ...units(store)];
}

function losses(store: Store): Warning[] {
  const { losses, view, names, data, current } = store;
  // A number of this very cycle that is not finite says more than the losses that follow from it.
  if (current.fault) return [{ about: null, words: current.fault }];
  const [error, rate] = [names.words.total_error, store.setup.rate];
  const isLarge = (after: number, before: number) => !(after <= data.thresholds.explodes * Math.max(before, data.thresholds.smallest));
  const [first, last] = [losses[0]!, losses[losses.length - 1]!];
  const found = (key: string, parts: Record<string, string | number>) => [{ about: null, words: filledIn(data.symptoms[key]!, { error, rate, ...parts }) }];
  if (losses.length > 1 && isLarge(last, first))
    return found("explodes", { first: view.number(first), last: view.number(last), cycles: counted(losses.length - 1, "cycle") });
  if (!isLarge(current.errorAfter, current.error)) return [];
  return found("overshoots", { before: view.number(current.error), after: view.number(current.errorAfter) });
}

function units(store: Store): Warning[] {
  const { network, current, names, view, data } = store;
  const { trace } = current;
  const found: Warning[] = [];
  let hidden = 0;
  const add = (about: Quantity, key: string, parts: () => Record<string, string | number>) =>
    found.length < data.thresholds.shown ? found.push({ about, words: filledIn(data.symptoms[key]!, parts()), isNote: key === "inactive" }) : (hidden += 1);
  for (let layer = 0; layer < network.depth; layer++) {
    const rule = network.rule(layer);
    if (rule.kind !== "scalar") continue;
    const isOutput = layer === network.last && network.fused !== null;
    const size = network.sizes[layer + 1]!;
    for (let unit = 0; unit < size; unit++) {
      const about = sum(layer, unit);
      const slopes = [...Array(trace.rows.count).keys()].map((row) => Math.abs(slopeAt(network, layer, trace.sums[layer]![row * size + unit]!)));
      const own = slopes[store.rowShown]!;
      const name = network.unitName(layer, unit);
      const here = () => ({
        unit: isolated(name),
        activation: rule.label,
        sum: isolated(names.text(about)),
        value: view.number(trace.sums[layer]![store.rowShown * size + unit]!),
        slope: view.number(own),
      });
      if (isOutput) continue;
      if (isBounded(rule)) {
        if (own < data.thresholds.saturated * rule.steepest) add(about, "saturated_here", here);
      } else if (slopes.length > 1 && slopes.every((slope) => slope === 0))
        add(about, "dead", () => ({ units: isolated(name), are: "is", them: "it", activation: rule.label, rows: every(slopes.length, "example") }));
      else if (slopes.length === 1 && own === 0) add(about, "inactive", here);
    }
  }
  if (hidden) found.push({ about: null, words: filledIn(data.symptoms["more"]!, { count: hidden }), isNote: found.every((each) => each.isNote) });
  return found;
}

function isBounded(rule: ScalarActivation): boolean {
  return rule.bounds !== null && rule.bounds[0] !== null && rule.bounds[1] !== null;
}
