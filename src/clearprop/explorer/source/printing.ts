/* Print: one walk over a tree decides where parentheses are needed; an alphabet decides what each piece looks
   like. Text is here; LaTeX and MathML have files of their own. The same walk as expressions/printing.py. */

import type { Notation, Rounding } from "./data";
import type { Names } from "./network";
import { shownNumber } from "./number";
import { App, isQuantity, numberIn, Sym, Val, type Key, type Tree } from "./tree";

export const [CONDITION, SUM, PRODUCT, SIGN, POWER, ATOM] = [0, 1, 2, 3, 4, 5];
export type Piece<T> = [T, number];
type Sign = "+" | "-";
type Term<T> = [sign: Sign, shown: T];

/** Whether a number or a product begins with a plain 0, before which nobody writes a sign. */
function beginsWithZero(tree: Tree): boolean {
  if (tree instanceof App) return ["*", "/"].includes(tree.operator) && beginsWithZero(tree.parts[0]!);
  return numberIn(tree) === 0;
}

/** The sign before a later term of a sum, and what follows it. */
export function signed(term: Tree): [Sign, Tree] {
  const isNegative = term instanceof App && term.operator === "negate" && !beginsWithZero(term.parts[0]!);
  return isNegative ? ["-", term.parts[0]!] : ["+", term];
}

export abstract class Alphabet<T> {
  write(tree: Tree): T {
    return this.piece(tree)[0];
  }

  /** A part of the tree and how strongly it binds; a product that does not lead begins with no sign. */
  piece(tree: Tree, leading = true): Piece<T> {
    if (typeof tree === "number") return this.literal(tree);
    if (tree instanceof Val) return this.valued(tree);
    if (tree instanceof Sym) return this.symbol(tree.key);
    const { operator, parts } = tree;
    const [u, v, w] = parts as [Tree, Tree, Tree];
    switch (operator) {
      case "+":
        return [this.plus(parts.map((part, k) => (k ? this.later(part) : ["+", this.wrapped(part, SUM)]))), SUM];
      case "-":
        return [this.minus(this.wrapped(u, SUM), this.wrapped(v, PRODUCT, false)), SUM];
      case "*":
        return [this.times(parts.map((part, k) => (k ? this.wrapped(part, SIGN, false) : this.wrapped(part, PRODUCT, leading)))), PRODUCT];
      case "negate":
        if (beginsWithZero(u)) return this.piece(u, leading);
        return [this.negative(this.wrapped(u, PRODUCT, false)), SIGN];
      case "/":
        return this.quotient(u, v);
      case "**":
        return this.power(u, v);
      case "where":
        return this.choice(u, v, w);
      case "<": case "<=": case ">": case ">=":
        return [this.relation(operator, this.wrapped(u, SUM), this.wrapped(v, SUM)), CONDITION];
      default:
        return this.applied(operator, parts);
    }
  }

  /** In parentheses unless it binds at least so strongly; a sign that does not lead gets them too. */
  wrapped(tree: Tree, atLeast: number, leading = true): T {
    const [shown, strength] = this.piece(tree, leading);
    return strength < atLeast || (strength === SIGN && !leading) ? this.parenthesised(shown) : shown;
  }

  /** A later term of a sum, after its sign: + -u is - u. */
  private later(term: Tree): Term<T> {
    const [sign, rest] = signed(term);
    return [sign, this.wrapped(rest, PRODUCT, false)];
  }

  /** A number put in for a quantity. */
  valued(tree: Val): Piece<T> {
    return this.literal(tree.value);
  }

  abstract literal(value: number): Piece<T>;
  abstract symbol(key: Key): Piece<T>;
  abstract plus: (terms: Term<T>[]) => T;
  abstract minus: (left: T, right: T) => T;
  abstract times: (factors: T[]) => T;
  abstract negative: (shown: T) => T;
  abstract parenthesised: (shown: T) => T;
  abstract quotient(above: Tree, below: Tree): Piece<T>;
  abstract power(base: Tree, exponent: Tree): Piece<T>;
  abstract choice(condition: Tree, then: Tree, otherwise: Tree): Piece<T>;
  abstract relation: (operator: string, left: T, right: T) => T;
  abstract applied(name: string, parts: Tree[]): Piece<T>;
}

/** How names and numbers look. */
export interface View {
  name(key: Key): string;
  number(value: number): string;
  words: Pick<Notation, "times" | "power">;
}

/** How the page writes names and numbers, as a person chose it. */
export interface Shown {
  notation: string;
  digits: number;
  rounding: Rounding;
}

export function viewOf(names: Names, { digits, rounding }: Shown): View {
  const name = (key: Key): string => (Array.isArray(key) ? key.map(name).join("") : isQuantity(key) ? names.text(key) : key);
  return {
    name,
    number: (value) => (value === Math.PI ? "π" : shownNumber(value, digits, rounding)),
    words: names.words,
  };
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Expressions as a person reads them in plain text: powers raised, the notation's sign for times. */
export class Text extends Alphabet<string> {
  constructor(readonly view: View) {
    super();
  }

  literal(value: number): Piece<string> {
    const shown = this.view.number(value);
    return [shown, shown.startsWith("-") ? SIGN : shown.includes("/") ? PRODUCT : ATOM];
  }

  symbol(key: Key): Piece<string> {
    const shown = this.view.name(key);
    return [shown, shown.startsWith("-") ? SIGN : shown.includes("/") ? POWER : ATOM];
  }

  plus = (terms: Term<string>[]) => terms.map(([sign, shown], k) => (k ? ` ${sign} ${shown}` : shown)).join("");
  minus = (left: string, right: string) => `${left} - ${right}`;

  times = (factors: string[]) => factors.join(` ${this.view.words.times} `);
  negative = (shown: string) => `-${shown}`;

  parenthesised = (shown: string) => `(${shown})`;

  quotient(above: Tree, below: Tree): Piece<string> {
    const stroke = numberIn(above) !== null && numberIn(below) !== null ? "/" : " / ";
    const shown = this.wrapped(above, PRODUCT) + stroke + this.wrapped(below, POWER);
    return [shown, shown.startsWith("-") ? SIGN : PRODUCT];
  }

  power(base: Tree, exponent: Tree): Piece<string> {
    return [this.raised(this.wrapped(base, ATOM), exponent), POWER];
  }

  raised(shown: string, exponent: Tree): string {
    const power = numberIn(exponent);
    if (power === null || !Number.isInteger(power) || power <= 0) return shown + this.view.words.power + this.wrapped(exponent, ATOM);
    return shown + String(power).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!);
  }

  choice(condition: Tree, then: Tree, otherwise: Tree): Piece<string> {
    return [`${this.wrapped(then, SUM)} if ${this.write(condition)} else ${this.write(otherwise)}`, CONDITION];
  }

  relation = (operator: string, left: string, right: string) => `${left} ${operator} ${right}`;

  applied(name: string, parts: Tree[]): Piece<string> {
    return [`${name}(${parts.map((part) => this.write(part)).join(", ")})`, ATOM];
  }
}
