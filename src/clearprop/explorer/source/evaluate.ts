/* Evaluate: a rule's expression as numbers. The one evaluator of the page; every activation, loss, optimizer
   and penalty goes through it. Each primitive is computed in the stable way that expressions/evaluate.py does. */

import type { Data, Raw } from "./data";

export type Values = Record<string, number>;
export type Compiled = (values: Values) => number;

type Ratio = [number[], number[]];
let table: Data["erf"] | null = null;

/** The coefficients of erf (Cody 1969) stand in Python once, and are handed over with the data. */
export function useTables(data: Data): void {
  table = data.erf;
}

function logistic(u: number): number {
  const e = Math.exp(-Math.abs(u));
  return u < 0 || Object.is(u, -0) ? e / (1 + e) : 1 / (1 + e);
}

function softplus(u: number): number {
  return Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
}

function ratio(coefficients: Ratio, u: number): number {
  const [above, below] = coefficients.map((row) => row.slice(1).reduce((total, c) => total * u + c, row[0]!));
  return above! / below!;
}

export function erf(u: number): number {
  if (table === null) throw new Error("the table of erf has not been handed over");
  if (Number.isNaN(u)) return u;
  const size = Math.abs(u);
  let value: number;
  if (size <= table.small_below) value = size * ratio(table.small, size * size);
  else if (size <= table.middle_below) value = 1 - Math.exp(-size * size) * ratio(table.middle, size);
  else {
    const large = Math.min(size, 30);
    const inverse = 1 / (large * large);
    const tail = (1 / Math.sqrt(Math.PI) - inverse * ratio(table.large, inverse)) / large;
    value = 1 - Math.exp(-large * large) * tail;
  }
  return u < 0 || Object.is(u, -0) ? -value : value;
}

function power(base: number, exponent: number): number {
  if (exponent === 2) return base * base;
  return base === 1 ? 1 : base ** exponent; // C's pow says 1 even where the exponent is not a number
}

const { abs, cos, exp, expm1, floor, log, log1p, max, min, sin, sqrt, tanh } = Math;
const ONE: Record<string, (u: number) => number> = {
  negate: (u) => -u, abs, cos, erf, exp, expm1, floor, log, log1p, logistic, sin, softplus, sqrt, tanh,
};

const TWO: Record<string, (u: number, v: number) => number> = {
  "-": (u, v) => u - v,
  "/": (u, v) => u / v,
  "**": power,
  max,
  min,
  "<": (u, v) => Number(u < v),
  "<=": (u, v) => Number(u <= v),
  ">": (u, v) => Number(u > v),
  ">=": (u, v) => Number(u >= v),
};

/** The expression as a function of the values of its symbols. Built of closures: nothing is ever made code of. */
export function compile(raw: Raw): Compiled {
  if (typeof raw === "number") return () => raw;
  if (typeof raw === "string") return (values) => values[raw]!;
  const [operator, ...rest] = raw;
  const parts = rest.map(compile);
  const [first, second, third] = parts as [Compiled, Compiled, Compiled];
  if (operator === "+") return parts.reduce((left, right) => (values) => left(values) + right(values));
  if (operator === "*") return parts.reduce((left, right) => (values) => left(values) * right(values));
  if (operator === "where") return (values) => (first(values) ? second(values) : third(values));
  const two = TWO[operator];
  if (two) return (values) => two(first(values), second(values));
  const one = ONE[operator];
  if (one) return (values) => one(first(values));
  throw new Error(`unknown operator ${operator}`);
}

const compiled = new WeakMap<object, Compiled>();

/** The compiled expression; a rule's is compiled once. */
export function reading(raw: Raw): Compiled {
  if (typeof raw !== "object") return compile(raw);
  let found = compiled.get(raw);
  if (!found) compiled.set(raw, (found = compile(raw)));
  return found;
}

export function evaluate(raw: Raw, values: Values): number {
  return reading(raw)(values);
}

/** The innermost part whose value is not finite, or null if all are. */
export function notFinitePart(raw: Raw, values: Values): Raw | null {
  const finite = Number.isFinite(evaluate(raw, values));
  if (Array.isArray(raw)) {
    for (const argument of raw.slice(1) as Raw[]) {
      const part = notFinitePart(argument, values);
      // An infinite branch that a choice does not take harms nobody.
      if (part !== null) return finite ? null : part;
    }
  }
  return finite ? null : raw;
}
