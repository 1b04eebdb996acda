/* Which number stopped being finite first, and which operation made it. */

import type { Raw } from "./data";
import { notFinitePart, type Values } from "./evaluate";
import { Names, type Network } from "./network";
import { plainNumber } from "./number";
import { RawText } from "./printing";
import type { Gradients, Trace } from "./propagate";
import * as q from "./quantity";
import type { Update } from "./update";

/** The numbers of a cycle that must be finite. */
export interface Numbers {
  network: Network;
  trace: Trace;
  errors: Float64Array;
  gradients: Gradients;
  update: Update;
}

const firstBad = (values: ArrayLike<number>): number => {
  for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k])) return k;
  return -1;
};

/** A sentence about the first number that is not finite, or null. */
export function notFinite(done: Numbers): string | null {
  const { network, trace } = done;
  for (let layer = 0; layer < network.depth; layer++) {
    for (const kind of ["sums", "outputs"] as const) {
      const at = firstBad(trace[kind][layer]!);
      if (at >= 0) return aboutUnit(done, layer, at, kind);
    }
  }
  const bad = firstBad(done.errors);
  if (bad >= 0) return aboutError(done, bad);
  const vectors: [Float64Array, string][] = [[done.gradients.vector, "the gradient of"], [done.update.vector, "the new value of"]];
  for (const [vector, what] of vectors) {
    const index = firstBad(vector);
    if (index >= 0) {
      const { layer } = network.place(index);
      return `${what} ${network.parameterName(index)} is ${vector[index]}, in layer ${layer + 1}; try a smaller learning rate or smaller weights`;
    }
  }
  return null;
}

function names(done: Numbers): Names {
  return new Names(done.network, done.network.data.notations[done.network.data.notation]!);
}

function aboutUnit(done: Numbers, layer: number, at: number, kind: "sums" | "outputs"): string {
  const { network, trace } = done;
  const unit = at % network.sizes[layer + 1]!;
  const row = Math.floor(at / network.sizes[layer + 1]!);
  const place = `; layer ${layer + 1}, example ${trace.rows.numbers[row]}`;
  const called = names(done);
  const sum = called.text(q.sum(layer, unit));
  if (kind === "sums") return `${sum} is ${trace.sums[layer]![at]}${place}; weights or inputs are too large`;
  const z = trace.sums[layer]![at]!;
  const rule = network.rule(layer);
  const part = rule.kind === "scalar" ? culprit(rule.formula, { z }, { z: sum }) : rule.name;
  return `${called.text(q.output(layer, unit))} is ${trace.outputs[layer]![at]}${place}; ${part} is not finite at ${sum} = ${plainNumber(z)}`;
}

function aboutError(done: Numbers, at: number): string {
  const { network, trace } = done;
  const k = at % network.outputs;
  const called = names(done);
  const [output, target] = [called.text(q.output(network.last, k)), called.text(q.target(k))];
  const values = { y: trace.outputs[network.last]![at]!, t: trace.rows.targets[at]! };
  const part = culprit(network.loss.formula, values, { y: output, t: target });
  const row = Math.floor(at / network.outputs);
  return (
    `${called.text(q.error(k))} is ${done.errors[at]}; example ${trace.rows.numbers[row]}; ${part} is not finite at ` +
    `${output} = ${plainNumber(values.y)}, ${target} = ${plainNumber(values.t)}`
  );
}

function culprit(raw: Raw, values: Values, called: Record<string, string>): string {
  const part = notFinitePart(raw, values);
  return part === null ? "the formula" : new RawText(called).write(part);
}
