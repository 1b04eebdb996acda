/* When something is wrong, and why: saturated units, dead ones, a loss that explodes. */

import type { ScalarActivation } from "./data";
import { evaluate } from "./evaluate";
import { slopeAt } from "./propagate";
import { sum } from "./quantity";
import type { Quantity } from "./quantity";
import type { Store } from "./store";

export interface Warning {
  words: string;
  about: Quantity | null;
}

/** A slope below this share of the rule's steepest one passes hardly anything back. */
const SATURATED = 0.01;
const SHOWN = 4;
const EXPLODED = 10;

const steepest = new WeakMap<ScalarActivation, number>();

function steepestSlope(rule: ScalarActivation): number {
  let found = steepest.get(rule);
  if (found === undefined) {
    found = 0;
    for (let z = -6; z <= 6; z += 0.25) found = Math.max(found, Math.abs(evaluate(rule.slope.simplified, { z })));
    steepest.set(rule, found);
  }
  return found;
}

export function warningsOf(store: Store): Warning[] {
  return [...losses(store), ...units(store)];
}

function losses(store: Store): Warning[] {
  const { losses, view, names } = store;
  const [first, last] = [losses[0]!, losses[losses.length - 1]!];
  const error = names.words.total_error;
  if (losses.length > 1 && last > EXPLODED * Math.max(first, 1e-9)) {
    const words = `${error} explodes: it was ${view.number(first)} and is ${view.number(last)} after ${losses.length - 1} cycles. The learning rate of ${store.setup.rate} makes steps that are too large; try a smaller one.`;
    return [{ words, about: null }];
  }
  const after = store.current.errorAfter;
  if (!Number.isFinite(after) || after > EXPLODED * Math.max(store.current.error, 1e-9)) {
    const words = `The next update makes ${error} larger, from ${view.number(store.current.error)} to ${view.number(after)}: the learning rate of ${store.setup.rate} is too large here.`;
    return [{ words, about: null }];
  }
  return [];
}

function units(store: Store): Warning[] {
  const { network, current, names, view } = store;
  const { trace } = current;
  const found: Warning[] = [];
  let hidden = 0;
  const add = (about: Quantity, words: () => string) => (found.length < SHOWN ? found.push({ about, words: words() }) : (hidden += 1));
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
      if (slopes.every((slope) => slope === 0)) {
        const where = slopes.length > 1 ? `for all ${slopes.length} examples` : "here";
        add(about, () => `${name} is dead: the slope of ${rule.label} is 0 ${where}, so no error flows back through it and the weights into it are not trained.`);
      } else if (!isOutput && rule.bounds && own < SATURATED * steepestSlope(rule) && isBounded(rule)) {
        const z = trace.sums[layer]![store.rowShown * size + unit]!;
        add(about, () => `${name} is saturated: at ${names.text(about)} = ${view.number(z)} the slope of ${rule.label} is ${view.number(own)}, so hardly any error flows back through it.`);
      }
    }
  }
  if (hidden) found.push({ about: null, words: `… and ${hidden} more units like these.` });
  return found;
}

function isBounded(rule: ScalarActivation): boolean {
  return rule.bounds !== null && rule.bounds[0] !== null && rule.bounds[1] !== null;
}
