/* Whole derivations: of a gradient, terms and update; of a value of the forward pass, its formula. */

import { Chain } from "./chain";
import { valueOf, type Cycle } from "./cycle";
import type { Column, Data } from "./data";
import { evaluate } from "./evaluate";
import { allOf, elidedSum, factor, Links, softmaxOutput, term, type Term } from "./local";
import type { View } from "./printing";
import { countOf, exampleShare, isFused, outputErrors, penaltyDivisor } from "./propagate";
import * as q from "./quantity";
import { App, divide, multiply, placed, sym, type Places, type Tree } from "./tree";
import { limits, words } from "./words";

/** One line of the update. */
export interface Assigned {
  quantity: q.Quantity;
  expression: Tree;
}

export interface GradientDerivation {
  kind: "gradient";
  cycle: Cycle;
  of: q.Quantity;
  quantity: q.Quantity;
  terms: Term[];
  gradient: number;
  /** The example's position in the batch; null for a batch as a whole. */
  row: number | null;
  update: Assigned[];
  updated: number | null;
}

export interface ValueDerivation {
  kind: "value";
  cycle: Cycle;
  quantity: q.Quantity;
  formulas: Tree[];
  value: number;
  row: number;
  remark: string;
}

export type Derivation = GradientDerivation | ValueDerivation;

/** Derive anything that can be selected; in a batch ``row`` is the example whose sums and outputs are meant. */
export function derive(cycle: Cycle, quantity: q.Quantity, row: number, view: View): Derivation {
  if (quantity.kind === "parameter") return deriveParameter(cycle, quantity.unit, view);
  if (quantity.kind !== "derivative") return deriveValue(cycle, quantity, row, view);
  const { of, by } = quantity;
  if (by.kind === "parameter" && (of.kind === "unpenalized" || of.kind === "penalty")) return derivePenalized(cycle, of, by, view);
  return deriveDerivative(cycle, of, by, row, view);
}

// --- gradients ----------------------------------------------------------------------------------

function deriveParameter(cycle: Cycle, index: number, view: View): GradientDerivation {
  const terms = cycle.isBatch ? batchTerms(cycle, index) : new Chain(cycle, 0, view.name).parameterTerms(index);
  if (cycle.problem.penalty && cycle.network.place(index).source !== null) terms.push(penaltyTerm(cycle, index));
  return {
    kind: "gradient", cycle, of: q.TOTAL, quantity: q.parameter(index), terms, gradient: cycle.gradients.vector[index]!,
    row: cycle.isBatch ? null : 0, update: updateLines(cycle, index), updated: cycle.update.vector[index]!,
  };
}

/** The penalty's part of a gradient, or the rest of it. */
function derivePenalized(cycle: Cycle, of: q.Quantity, by: q.Quantity, view: View): GradientDerivation {
  const whole = deriveParameter(cycle, by.unit, view);
  const penalty = whole.terms[whole.terms.length - 1]!;
  const isPenalty = of.kind === "penalty";
  const terms = isPenalty ? [penalty] : whole.terms.slice(0, -1);
  const gradient = isPenalty ? penalty.product : whole.gradient - penalty.product;
  return { ...whole, of, terms, gradient, row: isPenalty ? 0 : whole.row, update: [], updated: null };
}

/** A derivative of one example: of E_total or an E_k, or a local one. */
function deriveDerivative(cycle: Cycle, of: q.Quantity, by: q.Quantity, row: number, view: View): GradientDerivation {
  const chain = new Chain(cycle, row, view.name);
  const terms = termsOf(chain, of, by);
  const gradient = of.kind === "total" && by.kind === "sum" ? valueOf(cycle, q.derivative(of, by), row) : terms.reduce((total, each) => total + each.product, 0);
  return { kind: "gradient", cycle, of, quantity: by, terms, gradient, row, update: [], updated: null };
}

function termsOf(chain: Chain, of: q.Quantity, by: q.Quantity): Term[] {
  const error = of.kind === "error" ? of : null;
  if (of.kind === "total" || error) {
    if (by.kind === "parameter") return chain.parameterTerms(by.unit, error);
    return by.kind === "sum" ? chain.toSum(by.layer, by.unit, error) : chain.toOutput(by.layer, by.unit, error);
  }
  if (of.kind === "output") return [term(of, [chain.outputBySum(of.layer, of.unit, by.unit)])];
  if (by.kind === "output") return [term(of, [chain.sumByOutput(of.layer, of.unit, by.unit)])];
  return [term(of, [chain.sumByParameter(of.layer, of.unit, by.unit)])];
}

/** Per example, then the reduction over the examples. */
function batchTerms(cycle: Cycle, index: number): Term[] {
  const { rows } = cycle.trace;
  const quantity = q.derivative(q.TOTAL, q.parameter(index));
  return rows.numbers.map((number, row) => {
    const own = new Chain(cycle, row).parameterTerms(index);
    const whole = factor(quantity, sym(quantity), own.reduce((total, each) => total + each.product, 0), { expansion: own });
    if (cycle.network.data.network.over_examples === "sum") return term(q.TOTAL, [whole], number);
    const [count, share] = [countOf(cycle.network, rows), exampleShare(cycle.network, rows)];
    return term(q.TOTAL, [factor(q.named(`1/${count}`), divide(1, count), share, { remark: words("mean") }), whole], number);
  });
}

function penaltyTerm(cycle: Cycle, index: number): Term {
  const penalty = cycle.problem.penalty!;
  const examples = penaltyDivisor(cycle.network, penalty, cycle.trace.rows);
  const places: Places = { w: q.parameter(index), l1: q.named("l1"), l2: q.named("l2"), examples: q.named("examples") };
  const { raw, written, rules } = (examples === 1 ? penalty.alone : penalty).symbolic_slope;
  const value = evaluate(penalty.slope, { w: cycle.moment.vector[index]!, examples });
  const working = { raw: placed(raw, places), rules };
  return term(q.PENALTY, [factor(q.derivative(q.PENALTY, q.parameter(index)), placed(written, places), value, { working })]);
}

/** The optimizer's assignments for one parameter. Empty for a frozen bias. */
function updateLines(cycle: Cycle, index: number): Assigned[] {
  if (!cycle.network.isTrained(index)) return [];
  const { optimizer } = cycle.problem;
  const gradient = q.derivative(q.TOTAL, q.parameter(index));
  const places: Places = { w: q.parameter(index), g: gradient, rate: q.RATE, step: q.named("step") };
  for (const name of Object.keys(optimizer.constants)) places[name] = q.named(name);
  for (const name of Object.keys(optimizer.state)) places[name] = q.state(name, index);
  const lines: Assigned[] = [];
  const together = optimizer.together.find(([, , start, end]) => start <= index && index < end);
  if (together || optimizer.clip_value !== null) {
    const clipped = q.state("clipped", index);
    const tree = placed(optimizer.bounded, { g: gradient });
    const expression = together ? multiply(sym(q.named(together[1])), tree) : tree;
    lines.push({ quantity: clipped, expression });
    places["g"] = clipped;
  }
  for (const [name, raw] of optimizer.assignments) {
    const expression = placed(raw, places);
    const assigned = name === "w" ? q.parameter(index) : q.state(name, index);
    const quantity = name === "w" || name in optimizer.state ? q.updated(assigned) : assigned;
    places[name] = quantity;
    lines.push({ quantity, expression });
  }
  return lines;
}

/** The number behind a symbol of a derivation. */
export function symbolValue(cycle: Cycle, quantity: q.Quantity, row: number): number {
  if (quantity.kind === "derivative") {
    const { of, by } = quantity;
    const chain = new Chain(cycle, row);
    if (of.kind === "error" && by.kind === "sum") return chain.bySum(by.layer, of.unit, by.unit);
    if (of.kind === "error" && by.kind === "output") return chain.byOutput(by.layer, of.unit, by.unit);
    if (of.kind !== "total" && q.isDerived(of, by)) return termsOf(chain, of, by).reduce((total, each) => total + each.product, 0);
  }
  return valueOf(cycle, quantity, row);
}

// --- values -------------------------------------------------------------------------------------

function deriveValue(cycle: Cycle, quantity: q.Quantity, row: number, view: View): ValueDerivation {
  const [formulas, remark] = formulasOf(cycle, quantity, row, view);
  return { kind: "value", cycle, quantity, formulas, value: valueOf(cycle, quantity, row), row, remark };
}

function formulasOf(cycle: Cycle, quantity: q.Quantity, row: number, view: View): [Tree[], string] {
  const { layer, unit } = quantity;
  switch (quantity.kind) {
    case "output":
      return layer < 0 ? inputFormulas(cycle, unit, row) : outputFormulas(cycle, layer, unit, row);
    case "target":
      return targetFormulas(cycle, unit, row);
    case "named":
      return namedFormulas(cycle, quantity.name);
    case "rate":
      return rateFormulas(cycle);
    case "updated":
    case "state": {
      const own = quantity.kind === "updated" ? quantity.of : quantity;
      const line = updateLines(cycle, own.unit).find((each) => each.quantity.id === quantity.id);
      return line ? [[line.expression], ""] : [[], words("state")];
    }
    case "sum":
      return [[weightedSum(cycle, layer, unit)], ""];
    case "error":
      return errorFormulas(cycle, unit, view);
    case "total":
      return [[elidedSum(cycle.network.outputs, (k) => sym(q.error(k)), cycle.problem.penalty ? [sym(q.PENALTY)] : [])], ""];
    case "penalty":
      return [cycle.problem.penalty ? [penaltyFormula(cycle)] : [], words("penalty")];
    default:
      throw new Error(`${quantity.id} has no derivation`);
  }
}

/** What an update shares; hyperparameters are given. */
function namedFormulas(cycle: Cycle, name: string): [Tree[], string] {
  const { network, problem: { optimizer } } = cycle;
  if (name === "weight") return [[], words("example_weight")];
  const together = optimizer.together.find((each) => each.slice(0, 2).includes(name));
  if (!together) return [[], words("constant")];
  const [norm, factor, start, end] = together;
  if (name === factor) return [[placed(optimizer.clip_factor, { norm: q.named(norm) })], ""];
  const trained = [...Array(end).keys()].slice(start).filter((index) => network.isTrained(index));
  const bounded = (k: number) => placed(optimizer.bounded, { g: q.derivative(q.TOTAL, q.parameter(trained[k]!)) });
  return [[new App("sqrt", [elidedSum(trained.length, (k) => new App("**", [bounded(k), 2]))])], ""];
}

/** The rate that the schedule gives; each step of the page is an epoch. */
function rateFormulas({ problem: { optimizer, rate: base, examples }, moment: { step } }: Cycle): [Tree[], string] {
  const { name, constants, rate, watch } = optimizer.schedule;
  if (watch.length) return [[], words("watched", { base: Number(base.toPrecision(6)), schedule: name })];
  if (name === "constant" && !constants["warmup"]) return [[], words("rate")];
  const numbers = { ...constants, base, step, examples: examples.count, epoch: step - 1 };
  const names = Object.fromEntries(Object.keys(numbers).map((key) => [key, q.named(key)]));
  const key = JSON.stringify(rate).includes('"epoch"') ? "scheduled_by_epoch" : "scheduled";
  return [[placed(rate, names), placed(rate, numbers)], words(key, { schedule: name })];
}

/** The formula of an input from a column of the table, if there is one. */
function inputFormulas(cycle: Cycle, index: number, row: number): [Tree[], string] {
  const column = cycle.network.data.columns?.[index];
  if (!column) return [[], words("input")];
  if (column.category !== null) return [[], words("category", { column: column.name, category: column.category })];
  return columnFormulas(cycle, column, valueOf(cycle, q.input(index), row));
}

/** The formula of a target from a column of the table, where it is not the column's own number. */
function targetFormulas(cycle: Cycle, index: number, row: number): [Tree[], string] {
  const column = cycle.network.data.target_columns?.[index];
  if (column?.category != null) return [[], words("category", { column: column.name, category: column.category })];
  return column ? columnFormulas(cycle, column, valueOf(cycle, q.target(index), row)) : [[], words("target")];
}

/** A standardized number in its column's own unit. The sum's rounding is not the table's: 5.1 must not come back as
    5.1000000000000005. */
export const inUnit = (data: Data, { mean, scale }: Column, value: number): number => Number(evaluate(data.original, { value, mean, scale }).toPrecision(12));

/** How a number follows from that of a numeric column. */
function columnFormulas(cycle: Cycle, column: Column, value: number): [Tree[], string] {
  const { data } = cycle.network;
  if (column.mean === 0 && column.scale === 1) return [[], words("column", { column: column.name })];
  const { mean, scale } = column;
  return [[placed(data.standardized, { value: inUnit(data, column, value), mean, scale })], words("standardized", { column: column.name })];
}

function weightedSum(cycle: Cycle, layer: number, unit: number): Tree {
  const { network } = cycle;
  const bias = network.bias(layer, unit);
  return elidedSum(
    network.sizes[layer]!,
    (source) => multiply(sym(q.output(layer - 1, source)), sym(q.parameter(network.weight(layer, unit, source)))),
    bias === null ? [] : [sym(q.parameter(bias))],
  );
}

/** The tree with plainer forms in place of functions that have one: expm1(z) as exp(z) - 1. */
function speltOut(tree: Tree, data: Data): Tree {
  if (!(tree instanceof App)) return tree;
  const parts = tree.parts.map((part) => speltOut(part, data));
  const plain = data.definitions[tree.operator];
  return plain === undefined ? new App(tree.operator, parts) : placed(plain, { u: parts[0]! });
}

function outputFormulas(cycle: Cycle, layer: number, unit: number, row: number): [Tree[], string] {
  const { network } = cycle;
  const rule = network.rule(layer);
  let formulas: Tree[];
  if (rule.kind === "scalar") {
    const tree = placed(rule.formula, { z: q.sum(layer, unit) });
    formulas = [tree, speltOut(tree, network.data)];
  } else formulas = [softmaxOutput(network, layer, unit, allOf)];
  const mask = cycle.trace.masks[layer] ?? null;
  if (mask === null) return [formulas, ""];
  const scale = mask[row * network.sizes[layer + 1]! + unit]!;
  return [formulas.map((formula) => multiply(scale, formula)), words(scale ? "kept" : "dropped")];
}

/** The loss of one output; in a batch, the sum or mean of its examples' errors. */
function errorFormulas(cycle: Cycle, k: number, view: View): [Tree[], string] {
  const { network, trace } = cycle;
  if (cycle.isBatch) {
    const terms = errorTerms(cycle, k);
    const whole = allOf(terms);
    const key = trace.rows.weights === null ? "over_examples" : "weighted_examples";
    const reduction = network.data.network.over_examples;
    const count = countOf(network, trace.rows);
    const reduced = placed(network.data.reductions[reduction], { total: whole, count });
    const formula = count === 1 ? whole : reduced;
    return [[formula], words(key, { reduction: reduction.replace("_", " ") })];
  }
  const links = new Links(cycle, 0);
  const fused = isFused(network, trace);
  const remark = fused ? words("precision", { sum: view.name(q.sum(network.last, k)) }) : "";
  return [[placed(links.loss.error, links.outputPlaces(k))], remark];
}

/** The error of output k of each example; before its weight, where it has one, times that. */
function errorTerms(cycle: Cycle, k: number): Tree[] {
  const { network, trace } = cycle;
  const { rows } = trace;
  const { weights } = rows;
  const K = network.outputs;
  if (weights === null) return rows.numbers.map((_, row) => cycle.errors[row * K + k]!);
  const own = outputErrors(network, { ...trace, rows: { ...rows, weights: null } });
  return weights.map((weight, row) => multiply(weight, own[row * K + k]!));
}

/** The penalty's term for each weight, added up. */
function penaltyFormula(cycle: Cycle): Tree {
  const { network } = cycle;
  const penalty = cycle.problem.penalty!;
  const examples = penaltyDivisor(network, penalty, cycle.trace.rows);
  const weights: number[] = [];
  let count = 0;
  for (let layer = 0; layer < network.depth; layer++) {
    const [start, end] = [network.weightStart[layer]!, network.biasStart[layer]!];
    count += end - start;
    for (let index = start; index < end && weights.length < limits().terms + 3; index++) weights.push(index);
  }
  return elidedSum(count, (k) => placed((examples === 1 ? penalty.alone : penalty).formula, { w: q.parameter(weights[k]!), examples }));
}

