/* Local derivatives: one link of the chain rule with its formula, its working and its number, read from the rule
   that computed the forward pass; as in derivation/local_derivatives.py. */

import { valueOf, type Cycle } from "./cycle";
import type { FusedSoftmax, SharedLoss, SoftmaxActivation } from "./data";
import { evaluate } from "./evaluate";
import type { Network } from "./network";
import { errorShare, isFused, fused, fusedEntries, pullBack } from "./propagate";
import * as q from "./quantity";
import { add, multiply, placed, sym, type Places, type Tree } from "./tree";
import { limits, words } from "./words";

/** One factor of a product: ∂of/∂by, its expression, its number. */
export interface Factor {
  quantity: q.Quantity;
  expression: Tree;
  value: number;
  /** The result of the rules of calculus, and their names. */
  working: { raw: Tree; rules: string[] } | null;
  /** The terms of a collapsed factor, and the number of those left out. */
  expansion: Term[];
  elided: number;
  /** The products that a fused loss and activation simplify to the expression. */
  collapse: Term[];
  /** What stands between them, each with a remark. */
  steps: [tree: Tree, remark: string][];
  remark: string;
}

/** A product of factors: one way in which a parameter contributes to an error. */
export interface Term {
  of: q.Quantity;
  factors: Factor[];
  product: number;
  example: number | null;
}

export function factor(quantity: q.Quantity, expression: Tree, value: number, more: Partial<Factor> = {}): Factor {
  return { quantity, expression, value, working: null, expansion: [], elided: 0, collapse: [], steps: [], remark: "", ...more };
}

export function term(of: q.Quantity, factors: Factor[], example: number | null = null): Term {
  return { of, factors, product: factors.reduce((product, each) => product * each.value, 1), example };
}

/** The sum of the terms; of many, only the first few are made, and the others counted. */
export function elidedSum(count: number, make: (k: number) => Tree, always: Tree[] = []): Tree {
  const shown = count > limits().terms + 2 ? limits().terms : count;
  const rest = shown < count ? [sym(words("more", { count: count - shown }))] : [];
  return add(...[...Array(shown).keys()].map(make), ...rest, ...always);
}

export const allOf = (terms: Tree[]): Tree => elidedSum(terms.length, (k) => terms[k]!);

/** The output of a unit under softmax, from all sums of its layer. */
export function softmaxOutput(network: Network, layer: number, unit: number, total = (terms: Tree[]) => add(...terms)): Tree {
  const { term, output } = network.rule(layer) as SoftmaxActivation;
  const terms = [...Array(network.sizes[layer + 1]!).keys()].map((u) => placed(term, { z: q.sum(layer, u) }));
  return placed(output, { term: terms[unit]!, total: total(terms) });
}

export class Links {
  readonly network: Network;
  readonly last: number;
  readonly isFused: boolean;
  readonly hasScalarOutputs: boolean;
  /** The variants of formulas that speak of an example's weight, or those that do not. */
  readonly variant: "counted" | "plain";
  readonly loss: SharedLoss;
  /** The factor on each output's error. */
  readonly share: number;

  constructor(
    readonly cycle: Cycle,
    readonly row: number,
    /** The names in remarks. */
    private readonly name: (quantity: q.Quantity) => string = () => "",
  ) {
    this.network = cycle.network;
    this.last = this.network.last;
    this.hasScalarOutputs = this.network.rule(this.last).kind === "scalar";
    this.variant = cycle.trace.rows.weights === null ? "plain" : "counted";
    this.loss = this.network.loss[this.variant];
    this.share = errorShare(this.network, cycle.trace.rows, row);
    this.isFused = isFused(this.network, cycle.trace);
  }

  /** The quantities that play the roles of output k. */
  outputPlaces(k: number): Places {
    return { y: q.output(this.last, k), z: q.sum(this.last, k), t: q.target(k) };
  }

  errorByOutput(k: number, of: q.Quantity): Factor {
    if (of.kind === "error" && of.unit !== k) return this.independent(of, q.output(this.last, k));
    const places = this.outputPlaces(k);
    const values = { y: this.number(q.output(this.last, k)), t: this.number(q.target(k)), "#weight": this.cycle.trace.rows.weights?.[this.row] ?? NaN };
    const working = { raw: placed(this.loss.raw, places), rules: this.loss.rules };
    const value = evaluate(this.loss.simplified, values);
    return factor(q.derivative(of, q.output(this.last, k)), placed(this.loss.written, places), value, { working });
  }

  /** ∂E/∂sum_k of a loss fused with its activation: where the sums and targets meet. */
  errorBySum(k: number, of: q.Quantity): Factor {
    const { shown } = this.network.fused!;
    const isOne = of.kind === "error";
    if (this.hasScalarOutputs && isOne && of.unit !== k) return this.independent(of, q.sum(this.last, k));
    const quantity = q.derivative(of, q.sum(this.last, k));
    const remark = words("fused", { loss: this.network.loss.name, activation: this.network.rule(this.last).name });
    if (!this.hasScalarOutputs && isOne) {
      const entry = fusedEntries(this.network, this.sums(this.last), this.targets)[of.unit * this.network.outputs + k]! * this.share;
      return factor(quantity, this.entry(of.unit, k), entry, { collapse: this.fusedParts(k, [of.unit]), remark });
    }
    const value = fused(this.network, this.sums(this.last), this.targets, "signal")[k]! * this.share;
    const tree = placed(shown[this.variant], this.outputPlaces(k));
    const all = [...Array(this.network.outputs).keys()];
    const collapse = this.fusedParts(k, this.hasScalarOutputs ? [k] : all);
    return this.hasScalarOutputs ? factor(quantity, tree, value, { collapse, remark }) : this.collapsed(k, quantity, tree, value, collapse, remark);
  }

  /** The error signal of softmax and its loss, with the steps in which the sum over the errors collapses to it. */
  private collapsed(k: number, quantity: q.Quantity, tree: Tree, value: number, collapse: Term[], remark: string): Factor {
    const isWhole = Math.abs(this.targets.reduce((total, target) => total + target, 0) - 1) <= 1e-12;
    const trees = collapse.length <= limits().collapse ? [add(...collapse.map((_, m) => this.entry(m, k)))] : [];
    if (isWhole) trees.push(this.collected(k, allOf));
    const steps = trees.map((each, at): [Tree, string] => [each, at ? "" : remark]);
    const last = isWhole ? words("whole") : steps.length ? "" : remark;
    return factor(quantity, isWhole ? tree : this.collected(k, (terms) => add(...terms)), value, { collapse, steps, remark: last });
  }

  private entry(m: number, k: number): Tree {
    const { shared } = this.network.fused as FusedSoftmax;
    return placed(shared[m === k ? "diagonal" : "off_diagonal"][this.variant], { ...this.outputPlaces(m), other: q.output(this.last, k) });
  }

  /** Σ_m of all entries, with the sum of the targets. */
  private collected(k: number, total: (terms: Tree[]) => Tree): Tree {
    const { shared } = this.network.fused as FusedSoftmax;
    const whole = total([...Array(this.network.outputs).keys()].map((m) => sym(q.target(m))));
    return placed(shared.signal[this.variant], { ...this.outputPlaces(k), whole });
  }

  private independent(of: q.Quantity, by: q.Quantity): Factor {
    return factor(q.derivative(of, by), 0, 0, { remark: words("independent", { error: this.name(of), other: this.name(by) }) });
  }

  private fusedParts(k: number, outputs: number[]): Term[] {
    return outputs.map((m) => term(q.error(m), [this.errorByOutput(m, q.error(m)), this.outputBySum(this.last, m, k)]));
  }

  /** ∂output_unit/∂sum_by: the activation differentiated; ``by`` differs only under softmax. */
  outputBySum(layer: number, unit: number, by = unit): Factor {
    const rule = this.network.rule(layer);
    if (rule.kind === "scalar" && unit !== by) return this.independent(q.output(layer, unit), q.sum(layer, by));
    const mask = this.cycle.trace.masks[layer] ?? null;
    // A dropped or scaled output is no longer the activation's own value.
    const scale = mask === null ? null : mask[this.row * this.network.sizes[layer + 1]! + unit]!;
    const scaled = (tree: Tree) => (scale === null ? tree : multiply(scale, tree));
    const quantity = q.derivative(q.output(layer, unit), q.sum(layer, by));
    let expression: Tree;
    let value: number;
    let working: Factor["working"] = null;
    if (rule.kind === "scalar") {
      const places = { y: q.output(layer, unit), z: q.sum(layer, unit) };
      expression = placed(scale === null ? rule.printed_slope : rule.slope.written, places);
      working = { raw: scaled(placed(rule.slope.raw, places)), rules: rule.slope.rules };
      value = evaluate(rule.slope.simplified, { z: this.number(q.sum(layer, unit)) });
    } else {
      const output = (u: number) => (scale === null ? q.output(layer, u) : softmaxOutput(this.network, layer, u));
      expression = placed(unit === by ? rule.diagonal : rule.off_diagonal, { y: output(unit), other: output(by) });
      const one = new Float64Array(this.network.sizes[layer + 1]!);
      one[unit] = 1;
      value = pullBack(this.network, layer, this.sums(layer), one)[by]!;
    }
    const remark = scale === null ? "" : words(scale ? "kept" : "dropped");
    return factor(quantity, scaled(expression), (scale ?? 1) * value, { working, remark });
  }

  /** ∂sum_unit/∂output_source of the layer before: the weight between them. */
  sumByOutput(layer: number, unit: number, source: number): Factor {
    const index = this.network.weight(layer, unit, source);
    const quantity = q.derivative(q.sum(layer, unit), q.output(layer - 1, source));
    return factor(quantity, sym(q.parameter(index)), this.number(q.parameter(index)));
  }

  /** ∂sum_unit/∂parameter: what the weight is multiplied with; 1 for a bias. */
  sumByParameter(layer: number, unit: number, index: number): Factor {
    const { source } = this.network.place(index);
    const quantity = q.derivative(q.sum(layer, unit), q.parameter(index));
    if (source === null) return factor(quantity, 1, 1);
    const seen = q.output(layer - 1, source);
    return factor(quantity, sym(seen), this.number(seen));
  }

  // --- numbers of this example ------------------------------------------------------------

  sums(layer: number): Float64Array {
    const units = this.network.sizes[layer + 1]!;
    return this.cycle.trace.sums[layer]!.subarray(this.row * units, (this.row + 1) * units);
  }

  private number(quantity: q.Quantity): number {
    return valueOf(this.cycle, quantity, this.row);
  }

  get targets(): Float64Array {
    const K = this.network.outputs;
    return this.cycle.trace.rows.targets.subarray(this.row * K, (this.row + 1) * K);
  }
}
