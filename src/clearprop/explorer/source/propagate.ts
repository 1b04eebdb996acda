/* Forward, backward, update: the lecture, over arrays of (examples × units). No formula stands here; they are
   read from the rules. */

import type { FusedSoftmax, OverExamples, Penalty, SoftmaxActivation } from "./data";
import { evaluate, reading, type Values } from "./evaluate";
import type { Network } from "./network";

/** The inputs and targets of a batch, row after row. */
export interface Rows {
  count: number;
  inputs: Float64Array;
  targets: Float64Array;
  weights: number[] | null;
  /** Their numbers in the file, from 1. */
  numbers: number[];
  /** What was left out of a person's own rows. */
  note?: string;
}

/** Rows of numbers as examples, each with its inputs first. */
export function rowsOf(rows: number[][], inputs: number): Rows {
  const [seen, targets] = [rows.flatMap((row) => row.slice(0, inputs)), rows.flatMap((row) => row.slice(inputs))];
  return {
    count: rows.length, inputs: Float64Array.from(seen), targets: Float64Array.from(targets), weights: null, numbers: rows.map((_, k) => k + 1),
  };
}

export interface Trace {
  rows: Rows;
  sums: Float64Array[];
  outputs: Float64Array[];
  masks: (Float64Array | null)[];
}

// --- activations ----------------------------------------------------------------------------

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** z - max z: softmax is the same for both, and e^z cannot overflow. */
function shifted(sums: Float64Array): Float64Array {
  const largest = sums.reduce((a, b) => Math.max(a, b));
  return sums.map((z) => z - largest);
}

function softmax(rule: SoftmaxActivation, units: number, sums: Float64Array): Float64Array {
  const outputs = new Float64Array(sums.length);
  for (let at = 0; at < sums.length; at += units) {
    const terms = shifted(sums.subarray(at, at + units)).map((z) => evaluate(rule.term, { z }));
    const total = sum(terms);
    outputs.set(terms.map((term) => evaluate(rule.output, { term, total })), at);
  }
  return outputs;
}

function activated(network: Network, layer: number, sums: Float64Array): Float64Array {
  const rule = network.rule(layer);
  if (rule.kind === "softmax") return softmax(rule, network.sizes[layer + 1]!, sums);
  const formula = reading(rule.formula);
  const values: Values = {};
  return sums.map((z) => ((values["z"] = z), formula(values)));
}

export function slopeAt(network: Network, layer: number, z: number): number {
  const rule = network.rule(layer);
  return rule.kind === "softmax" ? NaN : evaluate(rule.slope.simplified, { z });
}

/** ∂E/∂sum from ∂E/∂output: the chain rule through a layer's activation. */
export function pullBack(network: Network, layer: number, sums: Float64Array, upstream: Float64Array): Float64Array {
  const rule = network.rule(layer);
  if (rule.kind === "softmax") return softmaxBack(rule, network.sizes[layer + 1]!, sums, upstream);
  const slope = reading(rule.slope.simplified);
  const values: Values = {};
  return upstream.map((up, k) => ((values["z"] = sums[k]!), up * slope(values)));
}

function softmaxBack(rule: SoftmaxActivation, units: number, sums: Float64Array, upstream: Float64Array): Float64Array {
  const outputs = softmax(rule, units, sums);
  const signals = new Float64Array(sums.length);
  for (let at = 0; at < sums.length; at += units) {
    const values = (u: number) => ({ y: outputs[at + u]!, upstream: upstream[at + u]! });
    let total = 0;
    for (let u = 0; u < units; u++) total += evaluate(rule.share, values(u));
    for (let u = 0; u < units; u++) signals[at + u] = evaluate(rule.signal, { ...values(u), total });
  }
  return signals;
}

// --- forward --------------------------------------------------------------------------------

/** The values that a layer receives: the outputs of the layer before, or the inputs. */
export function before(trace: Trace, layer: number): Float64Array {
  return layer ? trace.outputs[layer - 1]! : trace.rows.inputs;
}

export function forward(network: Network, vector: Float64Array, rows: Rows, masks: (Float64Array | null)[]): Trace {
  const trace: Trace = { rows, sums: [], outputs: [], masks };
  for (let layer = 0; layer < network.depth; layer++) {
    const sums = weightedSums(network, vector, layer, before(trace, layer), rows.count);
    const mask = masks[layer] ?? null;
    const outputs = activated(network, layer, sums);
    if (mask) for (let k = 0; k < outputs.length; k++) outputs[k]! *= mask[k]!;
    trace.sums.push(sums);
    trace.outputs.push(outputs);
  }
  return trace;
}

function weightedSums(network: Network, vector: Float64Array, layer: number, seen: Float64Array, count: number): Float64Array {
  const [inputs, units] = [network.sizes[layer]!, network.sizes[layer + 1]!];
  const sums = new Float64Array(count * units);
  for (let row = 0; row < count; row++) {
    for (let unit = 0; unit < units; unit++) {
      let total = 0;
      for (let i = 0, at = network.weight(layer, unit, 0), from = row * inputs; i < inputs; i++)
        total += vector[at + i]! * seen[from + i]!;
      const bias = network.bias(layer, unit);
      sums[row * units + unit] = bias === null ? total : total + vector[bias]!;
    }
  }
  return sums;
}

// --- the error ------------------------------------------------------------------------------

const shareOf = (network: Network, reduction: OverExamples, count: number): number =>
  evaluate(network.data.reductions[reduction], { total: 1, count });

/** The factor on each output's error, for one row. */
export function errorShare(network: Network, rows: Rows, row: number): number {
  const share = shareOf(network, network.data.network.over_outputs, network.outputs);
  return rows.weights === null ? share : share * rows.weights[row]!;
}

/** The number of the rows as a mean over them counts them. */
export function countOf(network: Network, rows: Rows): number {
  if (network.data.network.over_examples !== "weighted_mean" || rows.weights === null) return rows.count;
  return rows.weights.reduce((total, weight) => total + weight, 0);
}

export function exampleShare(network: Network, rows: Rows): number {
  const count = countOf(network, rows);
  return count === 0 ? 0 : shareOf(network, network.data.network.over_examples, count);
}

/** What the penalty of these rows is divided by. */
export function penaltyDivisor(network: Network, penalty: Penalty, rows: Rows): number {
  return penalty.divide_by_examples ? countOf(network, rows) || Infinity : 1;
}

/** Whether the loss and the output activation are computed as one. */
export function isFused(network: Network, trace: Trace): boolean {
  return network.fused !== null && (trace.masks[network.last] ?? null) === null;
}

/** E_k of every example, with its share; not yet reduced over the examples. */
export function outputErrors(network: Network, trace: Trace): Float64Array {
  const { rows } = trace;
  const K = network.outputs;
  const errors = new Float64Array(rows.count * K);
  const isOne = isFused(network, trace);
  for (let row = 0; row < rows.count; row++) {
    const share = errorShare(network, rows, row);
    const [from, to] = [row * K, row * K + K];
    const [sums, targets] = [trace.sums[network.last]!.subarray(from, to), rows.targets.subarray(from, to)];
    const own = isOne
      ? fused(network, sums, targets, "error")
      : targets.map((t, k) => evaluate(network.loss.formula, { y: trace.outputs[network.last]![from + k]!, t }));
    errors.set(own.map((error) => error * share), from);
  }
  return errors;
}

export function penaltyError(network: Network, penalty: Penalty | null, vector: Float64Array, rows: Rows): number {
  if (!penalty) return 0;
  const examples = penaltyDivisor(network, penalty, rows);
  let total = 0;
  for (let layer = 0; layer < network.depth; layer++)
    for (let index = network.weightStart[layer]!; index < network.biasStart[layer]!; index++)
      total += evaluate(penalty.formula, { w: vector[index]!, examples });
  return total;
}

/** E_k of the batch: the sum or mean of the examples' errors. */
export function batchErrors(network: Network, errors: Float64Array, rows: Rows): Float64Array {
  const K = network.outputs;
  const share = exampleShare(network, rows);
  const batch = new Float64Array(K);
  for (let k = 0; k < errors.length; k++) batch[k % K]! += errors[k]!;
  return batch.map((error) => error * share);
}

// --- backward -------------------------------------------------------------------------------

/** The values of each output that a softmax fused with its loss speaks of. */
function fusedValues(network: Network, rule: FusedSoftmax, sums: Float64Array, targets: Float64Array): Values[] {
  const { term } = network.rule(network.last) as SoftmaxActivation;
  const z = shifted(sums);
  const log_total = Math.log(sum(z.map((each) => evaluate(term, { z: each }))));
  const whole = sum(targets);
  return [...z].map((each, k) => {
    const values = { z: each, t: targets[k]!, log_total, whole };
    return { ...values, y: evaluate(rule.output, values) };
  });
}

/** E_k of one row of a fused loss and activation, or Σ_k ∂E_k/∂sum_j, without its share. */
export function fused(network: Network, sums: Float64Array, targets: Float64Array, part: "error" | "signal"): Float64Array {
  const rule = network.fused!;
  if (rule.kind === "scalar") return sums.map((z, k) => evaluate(rule[part], { z, t: targets[k]! }));
  return Float64Array.from(fusedValues(network, rule, sums, targets), (values) => evaluate(rule[part], values));
}

/** ∂E_k/∂sum_j of the same, row after row of k. */
export function fusedEntries(network: Network, sums: Float64Array, targets: Float64Array): Float64Array {
  const K = sums.length;
  const rule = network.fused!;
  const entries = new Float64Array(K * K);
  if (rule.kind === "scalar") {
    fused(network, sums, targets, "signal").forEach((signal, k) => (entries[k * K + k] = signal));
    return entries;
  }
  const each = fusedValues(network, rule, sums, targets);
  each.forEach((values, k) =>
    each.forEach(({ y }, j) => {
      entries[k * K + j] = evaluate(j === k ? rule.diagonal : rule.off_diagonal, { ...values, other: y! });
    }),
  );
  return entries;
}

function outputSignals(network: Network, trace: Trace): Float64Array {
  const { rows } = trace;
  const K = network.outputs;
  const sums = trace.sums[network.last]!;
  const upstream = new Float64Array(rows.count * K);
  const isOne = isFused(network, trace);
  const slope = reading(network.loss.slope);
  for (let row = 0; row < rows.count; row++) {
    const [from, to] = [row * K, row * K + K];
    const share = errorShare(network, rows, row);
    const signals = isOne ? fused(network, sums.subarray(from, to), rows.targets.subarray(from, to), "signal") : null;
    for (let k = 0; k < K; k++) {
      const values = { y: trace.outputs[network.last]![from + k]!, t: rows.targets[from + k]! };
      upstream[from + k] = (signals ? signals[k]! : slope(values)) * share;
    }
  }
  return isOne ? upstream : throughActivation(network, trace, network.last, upstream);
}

/** ∂E/∂sum from ∂E/∂output, through the activation and its dropout mask. */
export function throughActivation(network: Network, trace: Trace, layer: number, upstream: Float64Array): Float64Array {
  const mask = trace.masks[layer] ?? null;
  const scaled = mask ? upstream.map((up, k) => up * mask[k]!) : upstream;
  return pullBack(network, layer, trace.sums[layer]!, scaled);
}

export interface Gradients {
  vector: Float64Array;
  /** ∂E/∂sum per layer and example. */
  signals: Float64Array[];
}

/** ∂E/∂output of a layer, from the signals of the next: Σ over its units of signal · weight. */
function upstreamOf(network: Network, vector: Float64Array, layer: number, signals: Float64Array, count: number): Float64Array {
  const [here, next] = [network.sizes[layer + 1]!, network.sizes[layer + 2]!];
  const upstream = new Float64Array(count * here);
  for (let row = 0; row < count; row++)
    for (let v = 0; v < next; v++) {
      const signal = signals[row * next + v]!;
      for (let u = 0, at = network.weight(layer + 1, v, 0); u < here; u++) upstream[row * here + u]! += signal * vector[at + u]!;
    }
  return upstream;
}

/** ∂E/∂sum of every layer, carried back from that of the last. */
export function carriedBack(network: Network, vector: Float64Array, trace: Trace, last: Float64Array): Float64Array[] {
  const signals: Float64Array[] = [];
  signals[network.last] = last;
  for (let layer = network.last - 1; layer >= 0; layer--)
    signals[layer] = throughActivation(network, trace, layer, upstreamOf(network, vector, layer, signals[layer + 1]!, trace.rows.count));
  return signals;
}

export function backward(network: Network, vector: Float64Array, trace: Trace, penalty: Penalty | null): Gradients {
  const count = trace.rows.count;
  const signals = carriedBack(network, vector, trace, outputSignals(network, trace));
  const gradient = new Float64Array(network.size);
  const share = exampleShare(network, trace.rows);
  signals.forEach((signal, layer) => addGradients(network, gradient, layer, signal, before(trace, layer), count, share));
  if (penalty) addPenalty(network, gradient, vector, penalty, penaltyDivisor(network, penalty, trace.rows));
  return { vector: gradient, signals };
}

function addGradients(
  network: Network, gradient: Float64Array, layer: number, signal: Float64Array, seen: Float64Array, count: number, share: number,
): void {
  const [inputs, units] = [network.sizes[layer]!, network.sizes[layer + 1]!];
  for (let unit = 0; unit < units; unit++) {
    const at = network.weight(layer, unit, 0);
    const bias = network.bias(layer, unit);
    for (let row = 0; row < count; row++) {
      const delta = signal[row * units + unit]!;
      for (let i = 0; i < inputs; i++) gradient[at + i]! += delta * seen[row * inputs + i]!;
      if (bias !== null) gradient[bias]! += delta;
    }
  }
  const end = network.biasStart[layer]! + network.biases(layer);
  if (share !== 1) for (let index = network.weightStart[layer]!; index < end; index++) gradient[index]! *= share;
}

function addPenalty(network: Network, gradient: Float64Array, vector: Float64Array, penalty: Penalty, examples: number): void {
  for (let layer = 0; layer < network.depth; layer++)
    for (let index = network.weightStart[layer]!; index < network.biasStart[layer]!; index++)
      gradient[index]! += evaluate(penalty.slope, { w: vector[index]!, examples });
}
