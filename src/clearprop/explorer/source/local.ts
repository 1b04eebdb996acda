/* Local derivatives: one link of the chain rule with its formula, its working and its number, read from the rule
   that computed the forward pass; as in derivation/local_derivatives.py. */

import { valueOf, type Cycle } from "./cycle";
import type { SharedLoss, SoftmaxActivation } from "./data";
import { evaluate } from "./evaluate";
import type { Network } from "./network";
import { errorShare, isFused, fused, pullBack } from "./propagate";
import * as q from "./quantity";
import { add, multiply, placed, sym, type Places, type Tree } from "./tree";
import { words } from "./words";

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
  return { quantity, expression, value, working: null, expansion: [], elided: 0, collapse: [], remark: "", ...more };
}

export function term(of: q.Quantity, factors: Factor[], example: number | null = null): Term {
  return { of, factors, product: factors.reduce((product, each) => product * each.value, 1), example };
}

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
    const places = this.outputPlaces(k);
    const values = { y: this.number(q.output(this.last, k)), t: this.number(q.target(k)), "#weight": this.cycle.trace.rows.weights?.[this.row] ?? NaN };
    const working = { raw: placed(this.loss.raw, places), rules: this.loss.rules };
    const value = evaluate(this.loss.simplified, values);
    return factor(q.derivative(of, q.output(this.last, k)), placed(this.loss.simplified, places), value, { working });
  }

  /** ∂E/∂sum_k of a loss fused with its activation: where the sums and targets meet. */
  errorBySum(k: number, of: q.Quantity): Factor {
    const { shown } = this.network.fused!;
    const value = fused(this.network, this.sums(this.last), this.targets, "signal")[k]! * this.share;
    const tree = placed(shown[this.variant], this.outputPlaces(k));
    const remark = words("fused", { loss: this.network.loss.name, activation: this.network.rule(this.last).name });
    return factor(q.derivative(of, q.sum(this.last, k)), tree, value, { collapse: this.fusedParts(k), remark });
  }

  private fusedParts(k: number): Term[] {
    const outputs = this.hasScalarOutputs ? [k] : [...Array(this.network.outputs).keys()];
    return outputs.map((m) => term(q.error(m), [this.errorByOutput(m, q.error(m)), this.outputBySum(this.last, m, k)]));
  }

  /** ∂output_unit/∂sum_by: the activation differentiated; ``by`` differs only under softmax. */
  outputBySum(layer: number, unit: number, by = unit): Factor {
    const rule = this.network.rule(layer);
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
      expression = placed(scale === null ? rule.printed_slope : rule.slope.simplified, places);
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
