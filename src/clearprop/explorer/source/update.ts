/* Update: the optimizer's assignments, in order, for every parameter at once. */

import type { Optimizer } from "./data";
import { evaluate, reading, type Values } from "./evaluate";
import type { Network } from "./network";

export type State = Record<string, Float64Array>;

export interface Update {
  vector: Float64Array;
  state: State;
  /** The gradient that the rule reads, clipped where the optimizer clips. */
  gradient: Float64Array;
  /** By name the norms of the gradient before it is clipped, and the factors. */
  clipping: Record<string, number>;
  assigned: State;
}

export function initialState(optimizer: Optimizer, size: number): State {
  return Object.fromEntries(Object.entries(optimizer.state).map(([name, value]) => [name, new Float64Array(size).fill(value)]));
}

export function update(
  network: Network, optimizer: Optimizer, vector: Float64Array, gradient: Float64Array, state: State, step: number, rate: number,
): Update {
  const { given, clipping } = clipped(network, optimizer, gradient);
  const size = vector.length;
  const lines = optimizer.assignments.map(([name, raw]) => ({ name, formula: reading(raw), values: new Float64Array(size) }));
  const remembered = Object.entries(state);
  const values: Values = { ...optimizer.constants, rate, step };
  for (let index = 0; index < size; index++) {
    values["w"] = vector[index]!;
    values["g"] = given[index]!;
    for (const [name, each] of remembered) values[name] = each[index]!;
    for (const line of lines) values[line.name] = line.values[index] = line.formula(values);
  }
  const updated = lines[lines.length - 1]!.values;
  const old: State = { ...state, w: vector };
  for (let layer = 0; layer < network.depth; layer++) {
    if (network.layers[layer]!.train_bias) continue;
    const start = network.biasStart[layer]!;
    // A frozen bias is left alone, and so is what is remembered of it: its start.
    for (const line of lines.filter(({ name }) => name in old))
      for (let index = start; index < start + network.biases(layer); index++) line.values[index] = old[line.name]![index]!;
  }
  const assigned: State = Object.fromEntries(lines.slice(0, -1).map((line) => [line.name, line.values]));
  const kept: State = Object.fromEntries(Object.keys(optimizer.state).map((name) => [name, assigned[name]!]));
  return { vector: updated, state: kept, gradient: given, clipping, assigned };
}

/** Each entry bounded by ``clip_value``, then the norms of what is trained by ``clip_norm``. */
function clipped(network: Network, optimizer: Optimizer, gradient: Float64Array): Pick<Update, "clipping"> & { given: Float64Array } {
  let given = gradient;
  if (optimizer.clip_value !== null) {
    const bounded = reading(optimizer.bounded);
    given = given.map((g) => bounded({ g }));
  }
  const clipping: Record<string, number> = {};
  for (const [name, factorName, start, end] of optimizer.together) {
    const norm = normOf(network, given, start, end);
    const factor = evaluate(optimizer.clip_factor, { norm });
    given = given.map((g, index) => (start <= index && index < end ? g * factor : g));
    Object.assign(clipping, { [name]: norm, [factorName]: factor });
  }
  return { given, clipping };
}

/** The norm of the gradient of what is trained, of these parameters. */
export function normOf(network: Network, gradient: Float64Array, start = 0, end = gradient.length): number {
  let total = 0;
  for (let layer = 0; layer < network.depth; layer++) {
    const trained = network.layers[layer]!.train_bias ? network.biases(layer) : 0;
    const [first, last] = [Math.max(start, network.weightStart[layer]!), Math.min(end, network.biasStart[layer]! + trained)];
    for (let index = first; index < last; index++) total += gradient[index]! ** 2;
  }
  return Math.sqrt(total);
}
