/* Expressions and quantities in MathML Core, as elements. Symbols and the numbers put in for them carry the id of
   their quantity, so that the diagram can answer. */

import { mml } from "./dom";
import type { Names } from "./network";
import { Alphabet, ATOM, POWER, PRODUCT, SIGN, signed, SUM, type Piece, type View } from "./printing";
import { Symbols, type Pieces } from "./symbols";
import { App, type Key, type Tree, type Val } from "./tree";

const mo = (sign: string, form?: string): Element => mml("mo", { form }, sign);
const row = (...parts: Element[]): Element => (parts.length === 1 ? parts[0]! : mml("mrow", {}, ...parts));
const isTall = (shown: Element): boolean =>
  shown.matches("mfrac, msup, mtable") || shown.querySelector("mfrac, msup, mtable") !== null;

/** A term or factor of more characters is broken where possible. */
const LONG = 26;

function fenced(left: string, shown: Element, right: string): Element {
  const stretchy = isTall(shown) ? "true" : "false";
  return mml("mrow", {}, mml("mo", { stretchy, form: "prefix" }, left), shown, mml("mo", { stretchy, form: "postfix" }, right));
}

const PIECES: Pieces<Element> = {
  italic: (letter) => mml("mi", {}, letter),
  word: (word) => mml("mi", { mathvariant: [...word].length === 1 ? "normal" : null }, word),
  // Words are identifiers: beside text, which counts as a space, a sign stands without room around it.
  text: (text) => mml("mi", { mathvariant: [...text].length === 1 ? "normal" : null }, text.replaceAll(" ", "\u00a0")),
  digits: (digits) => (digits === "," ? mo(",") : mml("mn", {}, digits)),
  row,
  stacked: (lines) => mml("mtable", { class: "name" }, ...lines.map((line) => mml("mtr", {}, mml("mtd", {}, line)))),
  below: (base, index) => mml("msub", {}, base, index),
  raised: (base, mark) => mml("msup", {}, base, mo(mark)),
  accent: (letter, accent) => mml("mover", { accent: "true" }, mml("mi", {}, letter), mo(accent === "hat" ? "^" : "¯")),
  fraction: (above, below) => mml("mfrac", {}, above, below),
  partial: (shown) => mml("mrow", {}, mml("mi", {}, "∂"), shown),
  without: (whole, part) => fenced("(", mml("mrow", {}, whole, mo("−"), part), ")"),
  linked: (shown, quantity) => mml("mrow", { "data-q": quantity.id }, shown),
};

function numeral(shown: string): Element {
  if (shown.startsWith("-")) return mml("mrow", {}, mo("−", "prefix"), numeral(shown.slice(1)));
  if (shown === "inf" || shown === "nan" || shown === "π") return mml("mi", {}, shown === "inf" ? "∞" : shown);
  const [mantissa, exponent] = shown.split("e") as [string, string | undefined];
  if (exponent === undefined) return mml("mn", {}, mantissa);
  return mml("mrow", {}, mml("mn", {}, mantissa), mo("×"), mml("msup", {}, mml("mn", {}, "10"), numeral(exponent)));
}

const SIGNS: Record<string, string> = { "+": "+", "-": "−" };

export class MathML extends Alphabet<Element> {
  readonly symbols: Symbols<Element>;

  constructor(
    readonly names: Names,
    readonly view: View,
  ) {
    super();
    this.symbols = new Symbols(names, PIECES);
  }

  literal(value: number): Piece<Element> {
    const shown = this.view.number(value);
    return [numeral(shown), shown.startsWith("-") ? SIGN : shown.includes("e") ? POWER : ATOM];
  }

  override valued(tree: Val): Piece<Element> {
    const [shown, strength] = this.literal(tree.value);
    return [mml("mrow", { "data-q": tree.of.id }, shown), strength];
  }

  symbol(key: Key): Piece<Element> {
    return [this.symbols.write(key), this.symbols.isCompound(key) ? POWER : ATOM];
  }

  plus = (terms: [string, Element][]) => mml("mrow", {}, ...terms.flatMap(([sign, each], k) => (k ? [mo(SIGNS[sign]!), each] : [each])));
  minus = (left: Element, right: Element) => mml("mrow", {}, left, mo("−"), right);

  times = (factors: Element[]) => mml("mrow", {}, ...factors.flatMap((each, k) => (k ? [mo(this.names.words.times_set), each] : [each])));
  negative = (shown: Element) => mml("mrow", {}, mo("−", "prefix"), shown);

  parenthesised = (shown: Element) => fenced("(", shown, ")");

  quotient(above: Tree, below: Tree): Piece<Element> {
    return [mml("mfrac", {}, this.write(above), this.write(below)), POWER];
  }

  power(base: Tree, exponent: Tree): Piece<Element> {
    return [mml("msup", {}, this.wrapped(base, ATOM), this.write(exponent)), POWER];
  }

  choice(condition: Tree, then: Tree, otherwise: Tree): Piece<Element> {
    const cell = (...parts: (Element | string)[]) => mml("mtd", {}, ...parts);
    const cases = mml(
      "mtable", { class: "cases" },
      mml("mtr", {}, cell(this.write(then)), cell(mml("mrow", {}, mml("mtext", {}, "if\u00a0"), this.write(condition)))),
      mml("mtr", {}, cell(this.write(otherwise)), cell(mml("mtext", {}, "else"))),
    );
    return [mml("mrow", {}, mml("mo", { form: "prefix", stretchy: "true" }, "{"), cases), SUM];
  }

  relation = (operator: string, left: Element, right: Element) => mml("mrow", {}, left, mo({ "<=": "≤", ">=": "≥" }[operator] ?? operator), right);

  applied(name: string, parts: Tree[]): Piece<Element> {
    const written = parts.map((part) => this.write(part));
    if (name === "exp") return [mml("msup", {}, mml("mi", {}, "e"), row(...written)), POWER];
    if (name === "sqrt") return [mml("msqrt", {}, ...written), ATOM];
    if (name === "abs") return [fenced("|", row(...written), "|"), ATOM];
    const inside = mml("mrow", {}, ...written.flatMap((each, k) => (k ? [mo(","), each] : [each])));
    return [mml("mrow", {}, mml("mi", {}, name === "log" ? "ln" : name), mo("\u2061"), this.parenthesised(inside)), ATOM];
  }

  /** The tree in pieces between which a line may break: a sum's terms, a product's factors; long ones are broken too. */
  pieces(tree: Tree, leading = true): Element[] {
    if (!(tree instanceof App) || !["+", "*"].includes(tree.operator)) return [this.write(tree)];
    if (tree.operator === "*") return tree.parts.flatMap((part, k) => this.part(k ? this.names.words.times_set : "", part, k ? SIGN : PRODUCT, !k && leading));
    return tree.parts.flatMap((term, k) => {
      const [sign, part] = k ? signed(term) : ["+", term];
      return this.part(k ? SIGNS[sign]! : "", part, k ? PRODUCT : SUM, !k);
    });
  }

  /** A term or factor with the sign before it. */
  private part(sign: string, tree: Tree, atLeast: number, leading: boolean): Element[] {
    const whole = this.wrapped(tree, atLeast, leading);
    const [, strength] = this.piece(tree, leading);
    const isFenced = strength < atLeast || (strength === SIGN && !leading);
    const inner = (whole.textContent ?? "").length > LONG ? this.pieces(tree, leading || isFenced) : [];
    if (inner.length < 2) return [this.signed(sign, whole)];
    const fence = (side: string, form: string) => (isFenced ? [mml("mo", { stretchy: "false", form }, side)] : []);
    const [last] = inner.splice(-1);
    return [this.signed(sign, ...fence("(", "prefix"), inner[0]!), ...inner.slice(1), mml("mrow", {}, last!, ...fence(")", "postfix"))];
  }

  private signed(sign: string, ...shown: Element[]): Element {
    return mml("mrow", {}, ...(sign ? [mo(sign, "infix")] : []), ...shown);
  }
}
