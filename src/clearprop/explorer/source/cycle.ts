/* One whole cycle: forward, error, backward, update, and the error with the new weights. */

import { decoded, type Data, type Optimizer, type Penalty } from "./data";
import { mask } from "./dropout";
import { evaluate } from "./evaluate";
import { notFinite } from "./finite";
import type { Network } from "./network";
import { backward, batchErrors, countOf, forward, outputErrors, penaltyError, type Gradients, type Rows, type Trace } from "./propagate";
import type { Quantity } from "./quantity";
import { scheduled, unwatched, watched, type Watched } from "./schedule";
import { initialState, normOf, update, type State, type Update } from "./update";

/** A network with numbers, at some step of its training. */
export interface Moment {
  vector: Float64Array;
  state: State;
  step: number;
  /** The schedule's memory of the losses before it. */
  watched: Watched;
}

export interface Problem {
  network: Network;
  optimizer: Optimizer;
  penalty: Penalty | null;
  /** The base learning rate. */
  rate: number;
  examples: Rows;
}

export interface Cycle {
  problem: Problem;
  network: Network;
  moment: Moment;
  rate: number;
  trace: Trace;
  /** E_k of each example, and of the batch. */
  errors: Float64Array;
  batch: Float64Array;
  penalty: number;
  error: number;
  /** The error without dropout: what says whether training gets anywhere. */
  loss: number;
  /** The schedule's memory, this loss included. */
  watched: Watched;
  gradients: Gradients;
  update: Update;
  errorAfter: number;
  isBatch: boolean;
  /** The first number that is not finite, and what made it; null if all are. */
  fault: string | null;
}

export function examplesOf(data: Data): Rows {
  const { inputs, targets, weights, numbers } = data.examples;
  return { count: numbers.length, inputs: decoded(inputs), targets: decoded(targets), weights, numbers };
}

export function only(rows: Rows, row: number): Rows {
  const inputs = rows.inputs.length / rows.count;
  const outputs = rows.targets.length / rows.count;
  return {
    count: 1,
    inputs: rows.inputs.slice(row * inputs, (row + 1) * inputs),
    targets: rows.targets.slice(row * outputs, (row + 1) * outputs),
    weights: rows.weights && [rows.weights[row]!],
    numbers: [rows.numbers[row]!],
  };
}

export function beginning(problem: Problem, vector: Float64Array): Moment {
  return { vector, state: initialState(problem.optimizer, vector.length), step: 1, watched: unwatched(problem.optimizer) };
}

export function cycle(problem: Problem, moment: Moment, seen: Rows, isBatch: boolean): Cycle {
  // A weighted mean of one example is the example's own error.
  const isAlone = !isBatch && problem.network.data.network.over_examples === "weighted_mean";
  const rows = isAlone ? { ...seen, weights: null } : seen;
  const { network, optimizer, penalty } = problem;
  const positions = rows.numbers.map((number) => number - 1);
  const masks = network.layers.map((layer, index) =>
    layer.dropout ? mask(layer.dropout, evaluate(network.data.kept, { dropout: layer.dropout }), network.data.seed, moment.step, index, layer.size, positions) : null,
  );
  const trace = forward(network, moment.vector, rows, masks);
  const errors = outputErrors(network, trace);
  const batch = batchErrors(network, errors, rows);
  const penalized = penaltyError(network, penalty, moment.vector, rows);
  const error = total(batch) + penalized;
  const loss = masks.every((each) => each === null) ? error : errorWith(problem, moment.vector, rows, []);
  const gradients = backward(network, moment.vector, trace, penalty);
  // The first weights are those of no epoch.
  const noted = moment.step > 1 ? watched(optimizer, problem.rate, moment.watched, loss) : moment.watched;
  const rate = scheduled(optimizer, problem.rate, moment.step, noted, problem.examples.count);
  const updated = update(network, optimizer, moment.vector, gradients.vector, moment.state, moment.step, rate);
  const errorAfter = errorWith(problem, updated.vector, rows, masks);
  const done: Cycle = {
    problem, network, moment, rate, trace, errors, batch, penalty: penalized, error, loss, watched: noted,
    gradients, update: updated, errorAfter, isBatch, fault: null,
  };
  done.fault = notFinite(done);
  return done;
}

function errorWith({ network, penalty }: Problem, vector: Float64Array, rows: Rows, masks: (Float64Array | null)[]): number {
  const trace = forward(network, vector, rows, masks);
  return total(batchErrors(network, outputErrors(network, trace), rows)) + penaltyError(network, penalty, vector, rows);
}

function total(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The norm of the gradient of what is trained, without dropout as the loss is. */
export function gradientNorm({ problem, network, moment, trace, gradients }: Cycle): number {
  if (trace.masks.every((mask) => mask === null)) return normOf(network, gradients.vector);
  const plain = forward(network, moment.vector, trace.rows, []);
  return normOf(network, backward(network, moment.vector, plain, problem.penalty).vector);
}

/** Where the next cycle begins. */
export function following(done: Cycle): Moment {
  return { vector: done.update.vector, state: done.update.state, step: done.moment.step + 1, watched: done.watched };
}

/** The number behind a quantity; ``row`` is the example's position in the batch. */
export function valueOf(done: Cycle, quantity: Quantity, row = 0): number {
  const { network, trace } = done;
  const { layer, unit } = quantity;
  switch (quantity.kind) {
    case "output":
      return layer < 0 ? trace.rows.inputs[row * network.sizes[0]! + unit]! : trace.outputs[layer]![row * network.sizes[layer + 1]! + unit]!;
    case "sum":
      return trace.sums[layer]![row * network.sizes[layer + 1]! + unit]!;
    case "target":
      return trace.rows.targets[row * network.outputs + unit]!;
    case "error":
      return done.batch[unit]!;
    case "total":
      return done.error;
    case "penalty":
      return done.penalty;
    case "unpenalized":
      return done.error - done.penalty;
    case "parameter":
      return done.moment.vector[unit]!;
    case "rate":
      return done.rate;
    case "updated": {
      const { of } = quantity;
      return of.kind === "parameter" ? done.update.vector[of.unit]! : done.update.assigned[of.name]![of.unit]!;
    }
    case "state":
      if (quantity.name === "clipped") return done.update.gradient[unit]!;
      return (done.moment.state[quantity.name] ?? done.update.assigned[quantity.name]!)[unit]!;
    case "named": {
      const { name } = quantity;
      if (name === "step") return done.moment.step;
      if (name === "weight") return trace.rows.weights![row]!;
      if (name in done.update.clipping) return done.update.clipping[name]!;
      if (name === "examples") return countOf(done.network, trace.rows);
      if (name === "l1" || name === "l2") return done.problem.penalty![name];
      return done.problem.optimizer.constants[name]!;
    }
    case "derivative":
      if (quantity.of.kind === "total" && quantity.by.kind === "parameter") return done.gradients.vector[quantity.by.unit]!;
      if (quantity.of.kind === "total" && quantity.by.kind === "sum")
        return done.gradients.signals[quantity.by.layer]![row * network.sizes[quantity.by.layer + 1]! + quantity.by.unit]!;
  }
  throw new Error(`${quantity.id} has no single value in this cycle`);
}

/** Whether a quantity of an optimizer is one of this cycle's. */
export function hasValue(done: Cycle, quantity: Quantity): boolean {
  try {
    return typeof valueOf(done, quantity) === "number";
  } catch {
    return false;
  }
}
