/* A derivation as equations, in the order of a lecture; as rendering/compose.py. */

import { inUnit, symbolValue, type Assigned, type Derivation, type GradientDerivation, type ValueDerivation } from "./derive";
import { allOf, type Factor, type Term } from "./local";
import type { View } from "./printing";
import { countOf } from "./propagate";
import * as q from "./quantity";
import { add, divide, multiply, placed, same, sym, Val, withNumbers, type Tree } from "./tree";
import { limits, words } from "./words";

export interface Line {
  side: Tree;
  remark: string;
}

export type Block =
  | { kind: "heading"; quantity: q.Quantity }
  | { kind: "equation"; left: Tree; lines: Line[] }
  | { kind: "paragraph"; text: string };

const line = (side: Tree, remark = ""): Line => ({ side, remark });
const equation = (left: Tree, lines: Line[]): Block => ({ kind: "equation", left, lines });

/** Lines of an equation without repeating one that looks the same; the remark goes last. */
function lines(sides: Tree[], remark = ""): Line[] {
  const kept = sides.filter((side, k) => k === 0 || !same(side, sides[k - 1]!));
  return kept.map((side, k) => line(side, k === kept.length - 1 ? remark : ""));
}

export function blocksOf(derivation: Derivation, view: View): Block[] {
  return derivation.kind === "value" ? valueBlocks(derivation) : new Composer(derivation, view).blocks();
}

function valueBlocks(derivation: ValueDerivation): Block[] {
  const { quantity, formulas, value, remark, cycle, row } = derivation;
  const heading: Block = { kind: "heading", quantity };
  if (!formulas.length) return [heading, equation(sym(quantity), lines([value], remark))];
  const plugged = withNumbers(formulas[formulas.length - 1]!, (each) => symbolValue(cycle, each, row));
  return [heading, equation(sym(quantity), lines([...formulas, plugged, value], remark)), ...ownUnit(derivation)];
}

/** An output in the unit of the table's column, where its target is standardized. */
function ownUnit({ quantity, value, cycle: { network } }: ValueDerivation): Block[] {
  const column = network.data.target_columns?.[quantity.unit];
  if (quantity.kind !== "output" || quantity.layer !== network.last || !column || column.category !== null) return [];
  const { data } = network;
  const formula = placed(data.original, { value: quantity, mean: column.mean, scale: column.scale });
  return [equation(sym(column.name), lines([formula, withNumbers(formula, () => value), inUnit(data, column, value)], words("own_unit")))];
}

/** Whether a factor is shown by its name alone: an error signal that is derived on request. */
const isNamed = (each: Factor): boolean => !each.expansion.length && same(each.expression, sym(each.quantity));

const factorsOf = (terms: readonly Term[]): Factor[] => terms.flatMap((term) => term.factors);
const symbolsOf = (term: Term): Tree => multiply(...term.factors.map((each) => sym(each.quantity)));
const valuesOf = (term: Term): Tree => multiply(...term.factors.map((each) => new Val(each.value, each.quantity)));

/** "The previous computations are re-usable": what a factor is known by. */
function key(each: Factor): string {
  const { quantity } = each;
  // The slope of the loss: E_total depends on output_k through E_k alone.
  const isSlope = quantity.kind === "derivative" && quantity.of.kind === "error" && each.working !== null;
  return isSlope ? q.derivative(q.TOTAL, quantity.by).id : quantity.id;
}

class Composer {
  private readonly told = new Set<string>();
  private readonly gradient: q.Quantity;

  constructor(
    private readonly derivation: GradientDerivation,
    private readonly view: View,
  ) {
    this.gradient = q.derivative(derivation.of, derivation.quantity);
  }

  blocks(): Block[] {
    const { derivation } = this;
    const blocks: Block[] = [{ kind: "heading", quantity: this.gradient }];
    if (derivation.row === null) blocks.push(...this.batch());
    else {
      const lefts = derivation.terms.map((term) => this.left(term));
      blocks.push(...this.terms(lefts));
      if (derivation.terms.length > 1 || !same(lefts[0]!, sym(this.gradient))) {
        const products = derivation.terms.map((term) => term.product);
        blocks.push(equation(sym(this.gradient), lines([add(...lefts), add(...products), derivation.gradient])));
      }
    }
    return [...blocks, ...this.update()];
  }

  private value(quantity: q.Quantity): number {
    return symbolValue(this.derivation.cycle, quantity, this.derivation.row ?? 0);
  }

  /** Each term; those that are exactly zero, if there are several terms, together in one line. */
  private terms(lefts: Tree[]): Block[] {
    const { terms } = this.derivation;
    const isZero = (term: Term) => term.product === 0 && terms.length > 1;
    const blocks = terms.flatMap((term, k) => (isZero(term) ? [] : this.term(term, lefts[k]!)));
    const causes = new Set<string>();
    terms.forEach((term, k) => {
      if (!isZero(term)) return;
      const zero = term.factors.find((each) => each.value === 0)!;
      const target = this.missingTarget(term);
      if (!target && !this.told.has(key(zero))) {
        blocks.push(equation(lefts[k]!, [line(symbolsOf(term))]));
        blocks.push(...this.untold(term.factors));
      }
      causes.add(`${this.view.name(target ?? zero.quantity)} = 0`);
    });
    if (!causes.size) return blocks;
    const left = allOf(lefts.filter((_, k) => isZero(terms[k]!)));
    return [...blocks, equation(left, lines([0], words("zero", { causes: [...causes].slice(0, limits().terms).join(", ") })))];
  }

  /** The target of 0 for which a cross entropy has no error at all, however its output changes. */
  private missingTarget(term: Term): q.Quantity | null {
    const { cycle, row } = this.derivation;
    if (term.of.kind !== "error" || cycle.network.fused?.kind !== "softmax") return null;
    const target = q.target(term.of.unit);
    return this.value(target) === 0 && row !== null ? target : null;
  }

  /** ∂E_1/∂w1; where several terms have the same error, with the unit that the term runs through. */
  private left(term: Term): Tree {
    if (this.derivation.of.kind !== "total" && this.derivation.of.id !== term.of.id) return sym(this.gradient);
    const isPenalized = term.of.kind === "total" && this.derivation.terms.some((other) => other.of.kind === "penalty");
    const quantity = q.derivative(isPenalized ? q.UNPENALIZED : term.of, this.derivation.quantity);
    const alike = this.derivation.terms.filter((other) => other.of.id === term.of.id && other.example === term.example);
    const last = term.factors[term.factors.length - 1]!.quantity;
    if (alike.length > 1 && last.kind === "derivative" && last.of.kind === "sum")
      return sym([quantity, " through ", last.of]);
    return sym(quantity);
  }

  private term(term: Term, left: Tree): Block[] {
    const blocks: Block[] = [];
    const isProduct = term.factors.length > 1;
    if (isProduct) blocks.push(equation(left, [line(symbolsOf(term))]));
    for (const each of term.factors) blocks.push(...this.component(each));
    if (isProduct) {
      const formulas = multiply(...term.factors.map((each) => each.expression));
      blocks.push(equation(left, lines([formulas, valuesOf(term), term.product])));
    }
    return blocks;
  }

  private component(each: Factor): Block[] {
    const left = sym(each.quantity);
    if (this.told.has(key(each))) return [equation(left, lines([each.value], words("known")))];
    this.told.add(key(each));
    if (each.expansion.length) return this.expanded(each);
    const sides = [...each.steps.map((step) => line(...step)), line(each.expression, each.remark)];
    const { working } = each;
    const parts = each.collapse.length <= limits().collapse ? each.collapse : [];
    const before = this.untold(factorsOf(parts).filter((inner) => Number.isFinite(inner.value)));
    if (working && !same(working.raw, each.expression)) sides.unshift(line(working.raw, working.rules.join(", ")));
    const plugged = withNumbers(each.expression, (quantity) => this.value(quantity));
    return [...before, equation(left, [...collapsing(parts), ...sides, ...lines([plugged, each.value])])];
  }

  /** The factors that are not shown by name alone and have not been computed yet. */
  private untold(factors: readonly Factor[]): Block[] {
    return factors.flatMap((each) => (isNamed(each) || this.told.has(key(each)) ? [] : this.component(each)));
  }

  /** A collapsed factor: each path to the error that it stands for, and their sum. */
  private expanded(whole: Factor): Block[] {
    const blocks = this.untold(factorsOf(whole.expansion));
    const left = sym(whole.quantity);
    const isMany = whole.expansion.length > 1;
    const paths: Tree[] = whole.expansion.map((_, k) => (isMany ? sym(words("path", { number: k + 1 })) : left));
    whole.expansion.forEach((term, k) => {
      const remark = k === 0 && term.factors.some(isNamed) ? words("on_request") : "";
      blocks.push(equation(paths[k]!, lines([symbolsOf(term), valuesOf(term), term.product], remark)));
    });
    if (isMany) {
      const rest = whole.elided ? [sym(words("smaller", { count: whole.elided }))] : [];
      const products = whole.expansion.map((term) => term.product);
      blocks.push(equation(left, lines([add(...paths, ...rest), add(...products, ...rest), whole.value])));
    }
    return blocks;
  }

  /** Per example, then the reduction. */
  private batch(): Block[] {
    const { derivation, view } = this;
    const { rows } = derivation.cycle.trace;
    const own = derivation.terms.filter((term) => term.example !== null);
    const parts = own.map((term) => term.factors[term.factors.length - 1]!);
    const blocks: Block[] = parts.slice(0, limits().examples).map((part, row) => {
      const number = own[row]!.example!;
      const example = words("of_example", { number });
      const place = rows.weights === null ? example : words("of_weighted_example", { number, weight: view.number(rows.weights[row]!) });
      const left = sym([this.gradient, place]);
      const first = row === 0 ? [line(add(...part.expansion.map(symbolsOf)))] : [];
      const values = add(...part.expansion.map(valuesOf));
      const remark = row === 0 ? words("each_on_request", { place: example }) : "";
      return equation(left, [...first, ...lines([values, add(...part.expansion.map((term) => term.product)), part.value], remark)]);
    });
    const hidden = own.length - limits().examples;
    if (hidden > 0) blocks.push({ kind: "paragraph", text: words("more_examples", { count: hidden }) });
    return [...blocks, ...this.reduction(parts, hidden)];
  }

  private reduction(parts: Factor[], hidden: number): Block[] {
    const { derivation } = this;
    const blocks: Block[] = [];
    const shown: Tree[] = parts.slice(0, limits().examples).map((part) => part.value);
    const total = add(...shown, ...(hidden > 0 ? [sym(words("more", { count: hidden }))] : []));
    const { network, trace } = derivation.cycle;
    const count = network.data.network.over_examples === "sum" ? 1 : countOf(network, trace.rows);
    let reduced = count === 1 ? total : divide(total, count);
    let plugged = reduced;
    for (const term of derivation.terms.filter((each) => each.example === null)) {
      this.told.clear();
      blocks.push(...this.component(term.factors[0]!));
      reduced = add(reduced, sym(term.factors[0]!.quantity));
      plugged = add(plugged, term.product);
    }
    return [...blocks, equation(sym(this.gradient), lines([reduced, plugged, derivation.gradient]))];
  }

  private update(): Block[] {
    const { derivation } = this;
    if (derivation.updated === null) return [];
    if (derivation.update.length) return derivation.update.map((assigned) => this.assignment(assigned));
    const kept = lines([sym(derivation.quantity), derivation.updated], words("frozen"));
    return [equation(sym(q.updated(derivation.quantity)), kept)];
  }

  /** new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * 0.08020 = 0.45187 */
  private assignment({ quantity, expression }: Assigned): Block {
    const plugged = withNumbers(expression, (each) => this.value(each));
    return equation(sym(quantity), lines([expression, plugged, this.value(quantity)]));
  }
}

/** The products of a fused loss and activation, before they collapse: symbols, then expressions. */
function collapsing(parts: readonly Term[]): Line[] {
  if (!parts.length) return [];
  const expressions = parts.map((term) => multiply(...term.factors.map((inner) => inner.expression)));
  return [line(add(...parts.map(symbolsOf))), line(add(...expressions))];
}
