/* Which number stopped being finite first, and which operation made it; as propagation/finite.py. */

import type { Raw } from "./data";
import { evaluate, notFinitePart } from "./evaluate";
import type { Names, Network } from "./network";
import { plainNumber } from "./number";
import { Text } from "./printing";
import { isFused, type Gradients, type Trace } from "./propagate";
import * as q from "./quantity";
import { placed, sym } from "./tree";
import type { Update } from "./update";
import { words, type Parts } from "./words";

/** The numbers of a cycle that must be finite. */
export interface Numbers {
  network: Network;
  trace: Trace;
  errors: Float64Array;
  error: number;
  gradients: Gradients;
  update: Update;
}

const firstBad = (values: Float64Array): number => values.findIndex((value) => !Number.isFinite(value));

/** A sentence about the first number that is not finite, or null. */
export function notFinite({ network, trace, errors, error, gradients, update }: Numbers): string | null {
  const names = network.names(network.data.notation);
  const { targets, numbers, weights } = trace.rows;
  for (let layer = 0; layer < network.depth; layer++) {
    const [sums, outputs, size, rule] = [trace.sums[layer]!, trace.outputs[layer]!, network.sizes[layer + 1]!, network.rule(layer)];
    for (const [key, values, kind] of [["sum_fault", sums, q.sum], ["output_fault", outputs, q.output]] as const) {
      const at = firstBad(values);
      if (at < 0) continue;
      const [unit, example] = [at % size, numbers[Math.floor(at / size)]!];
      const why = cause(rule.name, rule.kind === "scalar" ? rule.formula : null, { z: [names.text(q.sum(layer, unit)), sums[at]!] });
      return words(key, { quantity: names.text(kind(layer, unit)), value: values[at]!, layer: layer + 1, example, ...why });
    }
  }
  const at = firstBad(errors);
  if (at >= 0) {
    const [k, row] = [at % network.outputs, Math.floor(at / network.outputs)];
    const y: Given = [names.text(q.output(network.last, k)), trace.outputs[network.last]![at]!];
    const weight: Record<string, Given> = weights ? { weight: ["weight", weights[row]!] } : {};
    const why = cause(network.loss.name, network.loss.formula, { y, t: [names.text(q.target(k)), targets[at]!], ...weight });
    return words("error_fault", { quantity: names.text(q.error(k)), value: errors[at]!, example: numbers[row]!, ...why });
  }
  if (!Number.isFinite(error)) return words("total_fault", { quantity: names.text(q.TOTAL), value: error });
  if (firstBad(gradients.vector) >= 0) {
    const fault = slopeFault(network, trace, names);
    if (fault !== null) return fault;
  }
  for (const [key, vector] of [["gradient_fault", gradients.vector], ["update_fault", update.vector]] as const) {
    const index = firstBad(vector);
    if (index < 0) continue;
    const { layer, unit } = network.place(index);
    const place = `layer ${layer + 1}${network.isShared(index) ? "" : `, unit ${network.unitName(layer, unit)}`}`;
    return words(key, { parameter: network.parameterName(index), value: vector[index]!, place });
  }
  return null;
}

/** A sentence about the first local derivative on the way back that is not finite, or null. */
function slopeFault(network: Network, trace: Trace, names: Names): string | null {
  const { last, loss } = network;
  const isJoined = isFused(network, trace);
  const named = (quantity: q.Quantity, value: number): Given => [names.text(quantity), value];
  const inLayer = (layer: number, derivative: (unit: number) => q.Quantity, computed: Raw, written: Raw, given: (at: number, unit: number) => Record<string, Given>) => {
    const size = network.sizes[layer + 1]!;
    for (let at = 0; at < trace.sums[layer]!.length; at++) {
      const unit = at % size;
      const numbers = given(at, unit);
      const value = evaluate(computed, Object.fromEntries(Object.entries(numbers).map(([role, [, each]]) => [role, each])));
      if (Number.isFinite(value)) continue;
      const used = Object.entries(numbers).filter(([role]) => isUsed(written, role));
      return words("slope_fault", {
        quantity: names.text(derivative(unit)), value, layer: layer + 1, unit: network.unitName(layer, unit),
        example: trace.rows.numbers[Math.floor(at / size)]!, part: writtenWith(written, numbers),
        numbers: used.map(([, [called, each]]) => `${called} = ${plainNumber(each)}`).join(", "),
      });
    }
    return null;
  };
  if (!isJoined) {
    const fault = inLayer(last, (k) => q.derivative(q.error(k), q.output(last, k)), loss.slope, loss.written_slope, (at, k) =>
      ({ y: named(q.output(last, k), trace.outputs[last]![at]!), t: named(q.target(k), trace.rows.targets[at]!) }));
    if (fault !== null) return fault;
  }
  for (let layer = isJoined ? last - 1 : last; layer >= 0; layer--) {
    const rule = network.rule(layer);
    if (rule.kind === "softmax") continue;
    const fault = inLayer(layer, (unit) => q.derivative(q.output(layer, unit), q.sum(layer, unit)), rule.slope.simplified, rule.slope.written, (at, unit) =>
      ({ z: named(q.sum(layer, unit), trace.sums[layer]![at]!) }));
    if (fault !== null) return fault;
  }
  return null;
}

const isUsed = (tree: Raw, role: string): boolean => (Array.isArray(tree) ? tree.slice(1).some((part) => isUsed(part, role)) : tree === role);

/** A number and what it is called. */
type Given = [name: string, value: number];

const PLAIN = new Text({ name: String, number: plainNumber, words: { times: "*", power: "^" } });

/** The innermost part of a formula that is not finite, and the numbers that it is computed from. */
function cause(name: string, formula: Raw | null, given: Record<string, Given>): Parts {
  const roles = Object.entries(given);
  const part = formula && notFinitePart(formula, Object.fromEntries(roles.map(([role, [, value]]) => [role, value])));
  const numbers = roles.map(([, [called, value]]) => `${called} = ${plainNumber(value)}`).join(", ");
  return { part: part === null ? name : writtenWith(part, given), numbers };
}

/** A formula with the names of its numbers. */
function writtenWith(tree: Raw, given: Record<string, Given>): string {
  return PLAIN.write(placed(tree, Object.fromEntries(Object.entries(given).map(([role, [called]]) => [role, sym(called)]))));
}
