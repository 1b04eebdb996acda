/* Forward, backward, update: the lecture, over arrays of (examples × units). No formula stands here; they are
   read from the rules. Only softmax, the vector rule, is known by its name. */

import type { Penalty, SoftmaxActivation } from "./data";
import { evaluate, reading } from "./evaluate";
import type { Values } from "./evaluate";
import type { Network } from "./network";

/** What the examples of a batch give and want, row after row. */
export interface Rows {
  count: number;
  inputs: Float64Array;
  targets: Float64Array;
  weights: number[] | null;
  /** Their numbers in the file, from 1. */
  numbers: number[];
}

export interface Trace {
  rows: Rows;
  sums: Float64Array[];
  outputs: Float64Array[];
  masks: (Float64Array | null)[];
}

// --- activations ----------------------------------------------------------------------------

function softmax(sums: Float64Array, units: number): Float64Array {
  const outputs = new Float64Array(sums.length);
  for (let at = 0; at < sums.length; at += units) {
    const row = sums.subarray(at, at + units);
    const largest = row.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let u = 0; u < units; u++) total += outputs[at + u] = Math.exp(row[u]! - largest);
    for (let u = 0; u < units; u++) outputs[at + u]! /= total;
  }
  return outputs;
}

function activated(network: Network, layer: number, sums: Float64Array): Float64Array {
  const rule = network.rule(layer);
  if (rule.kind === "softmax") return softmax(sums, network.sizes[layer + 1]!);
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

function softmaxBack(_: SoftmaxActivation, units: number, sums: Float64Array, upstream: Float64Array): Float64Array {
  const y = softmax(sums, units);
  const signals = new Float64Array(sums.length);
  for (let at = 0; at < sums.length; at += units) {
    let mean = 0;
    for (let u = 0; u < units; u++) mean += y[at + u]! * upstream[at + u]!;
    for (let u = 0; u < units; u++) signals[at + u] = y[at + u]! * (upstream[at + u]! - mean);
  }
  return signals;
}

// --- forward --------------------------------------------------------------------------------

/** What a layer sees: the outputs of the layer before, or the inputs. */
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

/** What each output's error is multiplied with, for one row. */
export function errorShare(network: Network, rows: Rows, row: number): number {
  const share = network.data.network.over_outputs === "mean" ? 1 / network.outputs : 1;
  return rows.weights === null ? share : share * rows.weights[row]!;
}

export function exampleShare(network: Network, count: number): number {
  return network.data.network.over_examples === "mean" ? 1 / count : 1;
}

/** z_k - log Σ_j e^z_j of one row. */
function logarithms(sums: Float64Array): Float64Array {
  const largest = sums.reduce((a, b) => Math.max(a, b));
  let total = 0;
  for (const z of sums) total += Math.exp(z - largest);
  const log = Math.log(total);
  return sums.map((z) => z - largest - log);
}

/** Whether the loss and the output activation are computed as one. */
export function isJoined(network: Network, trace: Trace): boolean {
  return network.joined !== null && (trace.masks[network.last] ?? null) === null;
}

/** E_k of every example, with its share; not yet put together over the examples. */
export function outputErrors(network: Network, trace: Trace): Float64Array {
  const { rows } = trace;
  const K = network.outputs;
  const errors = new Float64Array(rows.count * K);
  const joined = isJoined(network, trace) ? network.joined : null;
  for (let row = 0; row < rows.count; row++) {
    const share = errorShare(network, rows, row);
    const sums = trace.sums[network.last]!.subarray(row * K, row * K + K);
    const logs = joined && !joined.scalar ? logarithms(sums) : null;
    for (let k = 0; k < K; k++) {
      const t = rows.targets[row * K + k]!;
      const y = trace.outputs[network.last]![row * K + k]!;
      const own = logs
        ? t === 0 ? 0 : t * -logs[k]!
        : evaluate(joined?.scalar ? joined.scalar.error : network.loss.formula, { y, t, z: sums[k]! });
      errors[row * K + k] = own * share;
    }
  }
  return errors;
}

export function penaltyError(network: Network, penalty: Penalty | null, vector: Float64Array): number {
  if (!penalty) return 0;
  let total = 0;
  for (let layer = 0; layer < network.depth; layer++)
    for (let index = network.weightStart[layer]!; index < network.biasStart[layer]!; index++)
      total += evaluate(penalty.formula, { w: vector[index]! });
  return total;
}

/** E_k of the batch: the examples' errors put together. */
export function batchErrors(network: Network, errors: Float64Array, count: number): Float64Array {
  const K = network.outputs;
  const share = exampleShare(network, count);
  const batch = new Float64Array(K);
  for (let k = 0; k < errors.length; k++) batch[k % K]! += errors[k]!;
  return batch.map((error) => error * share);
}

// --- backward -------------------------------------------------------------------------------

/** Σ_k ∂E_k/∂sum_j of one row of a joined loss and activation, without its share. */
export function joinedSignals(network: Network, sums: Float64Array, targets: Float64Array): Float64Array {
  const scalar = network.joined!.scalar;
  if (scalar) return sums.map((z, k) => evaluate(scalar.slope, { z, t: targets[k]! }));
  const whole = targets.reduce((a, b) => a + b, 0);
  return logarithms(sums).map((log, k) => Math.exp(log) * whole - targets[k]!);
}

/** ∂E_k/∂sum_j of one row, row after row of k, without its share. */
export function joinedEntries(network: Network, sums: Float64Array, targets: Float64Array): Float64Array {
  const K = sums.length;
  const entries = new Float64Array(K * K);
  if (network.joined!.scalar) {
    joinedSignals(network, sums, targets).forEach((signal, k) => (entries[k * K + k] = signal));
    return entries;
  }
  const outputs = logarithms(sums).map(Math.exp);
  for (let k = 0; k < K; k++)
    for (let j = 0; j < K; j++) entries[k * K + j] = targets[k]! * (outputs[j]! - (j === k ? 1 : 0));
  return entries;
}

function outputSignals(network: Network, trace: Trace): Float64Array {
  const { rows } = trace;
  const K = network.outputs;
  const sums = trace.sums[network.last]!;
  const upstream = new Float64Array(rows.count * K);
  const joined = isJoined(network, trace);
  const slope = reading(network.loss.slope);
  for (let row = 0; row < rows.count; row++) {
    const [from, to] = [row * K, row * K + K];
    const share = errorShare(network, rows, row);
    const signals = joined ? joinedSignals(network, sums.subarray(from, to), rows.targets.subarray(from, to)) : null;
    for (let k = 0; k < K; k++) {
      const values = { y: trace.outputs[network.last]![from + k]!, t: rows.targets[from + k]! };
      upstream[from + k] = (signals ? signals[k]! : slope(values)) * share;
    }
  }
  return joined ? upstream : throughActivation(network, trace, network.last, upstream);
}

function throughActivation(network: Network, trace: Trace, layer: number, upstream: Float64Array): Float64Array {
  const mask = trace.masks[layer] ?? null;
  const scaled = mask ? upstream.map((up, k) => up * mask[k]!) : upstream;
  return pullBack(network, layer, trace.sums[layer]!, scaled);
}

export interface Gradients {
  vector: Float64Array;
  /** ∂E/∂sum per layer, of each example by itself. */
  signals: Float64Array[];
}

export function backward(network: Network, vector: Float64Array, trace: Trace, penalty: Penalty | null): Gradients {
  const count = trace.rows.count;
  const signals: Float64Array[] = [];
  signals[network.last] = outputSignals(network, trace);
  for (let layer = network.last - 1; layer >= 0; layer--) {
    const [here, next] = [network.sizes[layer + 1]!, network.sizes[layer + 2]!];
    const upstream = new Float64Array(count * here);
    for (let row = 0; row < count; row++)
      for (let v = 0; v < next; v++) {
        const signal = signals[layer + 1]![row * next + v]!;
        for (let u = 0, at = network.weight(layer + 1, v, 0); u < here; u++) upstream[row * here + u]! += signal * vector[at + u]!;
      }
    signals[layer] = throughActivation(network, trace, layer, upstream);
  }
  const gradient = new Float64Array(network.size);
  const share = exampleShare(network, count);
  signals.forEach((signal, layer) => addGradients(network, gradient, layer, signal, before(trace, layer), count, share));
  if (penalty) addPenalty(network, gradient, vector, penalty);
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

function addPenalty(network: Network, gradient: Float64Array, vector: Float64Array, penalty: Penalty): void {
  for (let layer = 0; layer < network.depth; layer++)
    for (let index = network.weightStart[layer]!; index < network.biasStart[layer]!; index++)
      gradient[index]! += evaluate(penalty.slope, { w: vector[index]! });
}
