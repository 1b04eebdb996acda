/* Which number stopped being finite first, and which operation made it; as propagation/finite.py. */

import type { Raw } from "./data";
import { notFinitePart } from "./evaluate";
import type { Network } from "./network";
import { plainNumber } from "./number";
import { Text } from "./printing";
import type { Gradients, Trace } from "./propagate";
import * as q from "./quantity";
import { placed, sym } from "./tree";
import type { Update } from "./update";
import { words, type Parts } from "./words";

/** The numbers of a cycle that must be finite. */
export interface Numbers {
  network: Network;
  trace: Trace;
  errors: Float64Array;
  gradients: Gradients;
  update: Update;
}

const firstBad = (values: Float64Array): number => values.findIndex((value) => !Number.isFinite(value));

/** A sentence about the first number that is not finite, or null. */
export function notFinite({ network, trace, errors, gradients, update }: Numbers): string | null {
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
  for (const [key, vector] of [["gradient_fault", gradients.vector], ["update_fault", update.vector]] as const) {
    const index = firstBad(vector);
    if (index < 0) continue;
    const { layer, unit } = network.place(index);
    const place = `layer ${layer + 1}${network.isShared(index) ? "" : `, unit ${network.unitName(layer, unit)}`}`;
    return words(key, { parameter: network.parameterName(index), value: vector[index]!, place });
  }
  return null;
}

/** A number and what it is called. */
type Given = [name: string, value: number];

const PLAIN = new Text({ name: String, number: plainNumber, words: { times: "*", power: "^" } });

/** The innermost part of a formula that is not finite, and the numbers that it is computed from. */
function cause(name: string, formula: Raw | null, given: Record<string, Given>): Parts {
  const roles = Object.entries(given);
  const part = formula && notFinitePart(formula, Object.fromEntries(roles.map(([role, [, value]]) => [role, value])));
  const places = Object.fromEntries(roles.map(([role, [called]]) => [role, sym(called)]));
  const numbers = roles.map(([, [called, value]]) => `${called} = ${plainNumber(value)}`).join(", ");
  return { part: part === null ? name : PLAIN.write(placed(part, places)), numbers };
}
