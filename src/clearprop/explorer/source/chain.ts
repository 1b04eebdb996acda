/* The chain rule, written out: the terms, factors and products of a gradient, as in derivation/chain.py. */

import { factor, Links, term, type Factor, type Term } from "./local";
import { carriedBack, fusedEntries, throughActivation, type Trace } from "./propagate";
import * as q from "./quantity";
import { sym } from "./tree";
import { limits } from "./words";

const range = (count: number): number[] => [...Array(count).keys()];

/** The derivations of one example of a cycle. */
export class Chain extends Links {
  private split: Float64Array[] | null = null;
  private readonly signals = new Map<string, Factor>();

  // --- ∂E_k of every sum and output: each output's error carried back alone -----------------

  /** ∂E_k/∂sum_u. */
  bySum(layer: number, k: number, unit: number): number {
    return (this.split ??= this.splitSignals())[layer]![k * this.network.sizes[layer + 1]! + unit]!;
  }

  /** ∂E_k/∂output_u. */
  byOutput(layer: number, k: number, unit: number): number {
    if (layer === this.last) return k === unit ? this.errorByOutput(k, q.error(k)).value : 0;
    const products = range(this.network.sizes[layer + 2]!).map((v) => this.bySum(layer + 1, k, v) * this.sumByOutput(layer + 1, v, unit).value);
    return products.reduce((total, product) => total + product, 0);
  }

  /** The error signals of this example in as many rows as there are outputs, each with the error of one. */
  private splitSignals(): Float64Array[] {
    const { network, row } = this;
    const { trace, moment } = this.cycle;
    const K = network.outputs;
    const copied = (values: Float64Array, layer: number) => {
      const size = network.sizes[layer + 1]!;
      return Float64Array.from({ length: K * size }, (_, at) => values[row * size + (at % size)]!);
    };
    const copies: Trace = { ...trace, rows: { ...trace.rows, count: K }, sums: trace.sums.map(copied), masks: trace.masks.map((mask, layer) => mask && copied(mask, layer)) };
    const byOutput = Float64Array.from({ length: K * K }, (_, at) => this.byOutput(this.last, Math.floor(at / K), at % K));
    const last = this.isFused
      ? fusedEntries(network, this.sums(this.last), this.targets).map((entry) => entry * this.share)
      : throughActivation(network, copies, this.last, byOutput);
    return carriedBack(network, moment.vector, copies, last);
  }

  // --- terms ------------------------------------------------------------------------------

  /** The terms of ∂E_total/∂parameter for this example alone, the penalty excepted; or of one error alone. */
  parameterTerms(index: number, error: q.Quantity | null = null): Term[] {
    const { layer } = this.network.place(index);
    return this.units(index).flatMap((u) => {
      const last = this.sumByParameter(layer, u, index);
      return this.toSum(layer, u, error).map((way) => term(way.of, [...way.factors, last]));
    });
  }

  /** The units that a parameter belongs to: all of a layer for its shared bias. */
  private units(index: number): number[] {
    const { layer, unit } = this.network.place(index);
    return this.network.isShared(index) ? range(this.network.sizes[layer + 1]!) : [unit];
  }

  private errors(error: q.Quantity | null): q.Quantity[] {
    return error ? [error] : range(this.network.outputs).map(q.error);
  }

  /** The factors of ∂E/∂sum_unit, for each error that the unit reaches, or for one alone. */
  toSum(layer: number, unit: number, error: q.Quantity | null = null): Term[] {
    if (layer === this.last) return this.toOutputSum(unit, error);
    if (this.network.rule(layer).kind === "softmax")
      return this.errors(error).map((of) => term(of, [this.collapsedSum(of.unit, layer, unit)]));
    const slope = this.outputBySum(layer, unit);
    return this.toOutput(layer, unit, error).map((way) => term(way.of, [...way.factors, slope]));
  }

  private toOutputSum(unit: number, error: q.Quantity | null): Term[] {
    if (!error && (this.hasScalarOutputs || this.isFused)) return [term(q.TOTAL, this.errorToSum(unit, q.TOTAL))];
    return this.errors(error).map((of) => term(of, this.errorToSum(unit, of)));
  }

  /** The factors of ∂E/∂output_unit, for each error that the unit reaches, or for one alone. */
  toOutput(layer: number, unit: number, error: q.Quantity | null = null): Term[] {
    if (layer === this.last) {
      const of = error ?? (this.hasScalarOutputs ? q.TOTAL : q.error(unit));
      return [term(of, [this.errorByOutput(unit, of)])];
    }
    return this.errors(error).map((of) => {
      if (layer === this.last - 1 && this.hasScalarOutputs)
        return term(of, [...this.errorToSum(of.unit, of), this.sumByOutput(this.last, of.unit, unit)]);
      return term(of, [this.collapsedOutput(of.unit, layer, unit)]);
    });
  }

  /** ∂E/∂sum of an output unit: one fused factor, or loss and activation. */
  private errorToSum(unit: number, of: q.Quantity): Factor[] {
    if (this.isFused) return [this.errorBySum(unit, of)];
    // Under softmax the sum reaches every output.
    const end = of.kind === "error" && !this.hasScalarOutputs ? of.unit : unit;
    return [this.errorByOutput(end, of), this.outputBySum(this.last, end, unit)];
  }

  // --- collapsed factors and what they stand for --------------------------------------------

  /** ∂E_k/∂output_unit, a sum over all paths from the unit to the error. */
  private collapsedOutput(k: number, layer: number, unit: number, most = limits().paths): Factor {
    const quantity = q.derivative(q.error(k), q.output(layer, unit));
    return factor(quantity, sym(quantity), this.byOutput(layer, k, unit), this.expansion(k, layer, unit, most));
  }

  /** ∂E_k/∂sum_unit; under softmax a sum over the outputs of its layer. */
  private collapsedSum(k: number, layer: number, unit: number, expand = true): Factor {
    const quantity = q.derivative(q.error(k), q.sum(layer, unit));
    const value = this.bySum(layer, k, unit);
    if (!expand || layer >= this.last || this.network.rule(layer).kind === "scalar") return factor(quantity, sym(quantity), value);
    const size = this.network.sizes[layer + 1]!;
    const expansion = range(Math.min(size, limits().width)).map((v) => {
      const of = q.derivative(q.error(k), q.output(layer, v));
      const first = this.isShort ? this.collapsedOutput(k, layer, v, 1) : factor(of, sym(of), this.byOutput(layer, k, v));
      return term(q.error(k), [first, this.outputBySum(layer, v, unit)]);
    });
    return factor(quantity, sym(quantity), value, { expansion, elided: size - expansion.length });
  }

  /** ∂E_k/∂sum_unit: with its factors, or where that would be too long by its name alone. */
  private signal(k: number, layer: number, unit: number): Factor {
    if (layer === this.last && this.isFused && !this.hasScalarOutputs) return this.errorBySum(unit, q.error(k));
    if (!this.isShort) return this.collapsedSum(k, layer, unit, false);
    const id = `${k} ${layer} ${unit}`;
    const known = this.signals.get(id);
    if (known) return known;
    const signal = this.collapsedSum(k, layer, unit);
    const isScalar = this.network.rule(layer).kind === "scalar";
    if (layer === this.last) signal.expansion = [term(q.error(k), this.errorToSum(unit, q.error(k)))];
    else if (isScalar) signal.expansion = [term(q.error(k), [this.collapsedOutput(k, layer, unit, 1), this.outputBySum(layer, unit)])];
    this.signals.set(id, signal);
    return signal;
  }

  /** Whether the error signals of all hidden layers can be written out. */
  private get isShort(): boolean {
    const hidden = this.network.sizes.slice(1, -1).reduce((total, size) => total + size, 0);
    return hidden * this.network.outputs <= limits().signals;
  }

  private expansion(k: number, layer: number, unit: number, most: number): { expansion: Term[]; elided: number } {
    const later = range(this.last - layer).map((step) => this.network.rule(layer + 1 + step));
    const paths = this.network.sizes.slice(layer + 2, -1).reduce((product, size) => product * size, 1);
    if (later.every((rule) => rule.kind === "scalar") && paths <= most)
      return { expansion: this.paths(k, layer + 1, unit).map((factors) => term(q.error(k), factors)), elided: 0 };
    return this.oneLayer(k, layer, unit);
  }

  /** Every path from a source's output to E_k, each as a product of local derivatives. */
  private paths(k: number, at: number, source: number): Factor[][] {
    if (at === this.last) return [[...this.errorToSum(k, q.error(k)), this.sumByOutput(at, k, source)]];
    return range(this.network.sizes[at + 1]!).flatMap((u) => {
      const here = [this.outputBySum(at, u), this.sumByOutput(at, u, source)];
      return this.paths(k, at + 1, u).map((factors) => [...factors, ...here]);
    });
  }

  /** Σ_v ∂E_k/∂sum_v · weight: the error signals of the next layer, the largest ones. */
  private oneLayer(k: number, layer: number, unit: number): { expansion: Term[]; elided: number } {
    const size = this.network.sizes[layer + 2]!;
    const product = (v: number) => this.bySum(layer + 1, k, v) * this.cycle.moment.vector[this.network.weight(layer + 1, v, unit)]!;
    const sizes = range(size).map((v) => Math.abs(product(v)));
    const largest = range(size).sort((a, b) => sizes[b]! - sizes[a]! || a - b).slice(0, limits().width).sort((a, b) => a - b);
    const expansion = largest.map((v) =>
      term(q.error(k), [this.signal(k, layer + 1, v), this.sumByOutput(layer + 1, v, unit)]),
    );
    return { expansion, elided: size - expansion.length };
  }
}
