/* A derivation as LaTeX, for amsmath: one align* per equation. */

import type { Block } from "./compose";
import type { Names } from "./network";
import { ATOM, POWER, SIGN, SUM, Text, type Piece, type View } from "./printing";
import { Symbols, type Pieces } from "./symbols";
import type { Key, Tree } from "./tree";

type Characters = Record<string, string>;

/** Any text as LaTeX text: nothing in it is markup. */
function escaped(text: string, characters: Characters): string {
  return [...text].map((c) => characters[c] ?? (/[\x20-\x7e]/.test(c) ? c : "?")).join("");
}

/** A letter or sign as LaTeX mathematics. */
function inFormula(letter: string, characters: Characters): string {
  const shown = escaped(letter, characters);
  return /^\\ensuremath\{(.*)\}$/.exec(shown)?.[1]?.trim() ?? (shown === letter ? letter : `\\text{${shown}}`);
}

const isCompound = (shown: string): boolean => shown.includes("^") || shown.startsWith("\\frac");

const pieces = (characters: Characters): Pieces<string> => ({
  italic: (letter) => inFormula(letter, characters),
  word: (word) => `\\${/^[\x20-\x7e]*$/.test(word) ? "mathrm" : "text"}{${escaped(word, characters)}}`,
  text: (text) => `\\text{${escaped(text, characters)}}`,
  digits: (digits) => digits,
  row: (...parts) => parts.join(""),
  stacked: (lines) => `\\substack{${lines.join(" \\\\ ")}}`,
  below: (base, index) => `${base}_{${index}}`,
  raised: (base, mark) => `${isCompound(base) ? `(${base})` : base}^{${inFormula(mark, characters)}}`,
  accent: (letter, accent) => `\\${accent}{${letter}}`,
  fraction: (above, below) => `\\frac{${above}}{${below}}`,
  partial: (shown) => `\\partial ${shown}`,
  without: (whole, part) => `(${whole} - ${part})`,
  linked: (shown) => shown,
});

export class Latex extends Text {
  private readonly symbols: Symbols<string>;

  constructor(
    readonly names: Names,
    view: View,
  ) {
    super(view);
    this.symbols = new Symbols(names, pieces(names.network.data.latex));
  }

  literal(value: number): Piece<string> {
    const shown = this.view.number(value);
    if (/^-?(inf|nan)$/.test(shown)) return [shown.replace("inf", "\\infty").replace("nan", "\\mathrm{nan}"), ATOM];
    if (shown === "π") return ["\\pi", ATOM];
    const [mantissa, exponent] = shown.split("e") as [string, string | undefined];
    const written = exponent === undefined ? mantissa : `${mantissa}\\times 10^{${exponent}}`;
    return [written, shown.startsWith("-") ? SIGN : exponent === undefined ? ATOM : POWER];
  }

  symbol(key: Key): Piece<string> {
    const shown = this.symbols.write(key);
    return [shown, this.symbols.isCompound(key) || isCompound(shown) ? POWER : ATOM];
  }

  times = (factors: string[]) => factors.join(` ${inFormula(this.names.words.times_set, this.names.network.data.latex)} `);
  parenthesised = (shown: string) => /\\frac|\\begin|\\substack|\^/.test(shown) ? `\\left(${shown}\\right)` : `(${shown})`;

  quotient(above: Tree, below: Tree): Piece<string> {
    return [`\\frac{${this.write(above)}}{${this.write(below)}}`, POWER];
  }

  power(base: Tree, exponent: Tree): Piece<string> {
    return [`${this.wrapped(base, ATOM)}^{${this.write(exponent)}}`, POWER];
  }

  choice(condition: Tree, then: Tree, otherwise: Tree): Piece<string> {
    const cases = `${this.write(then)} & \\text{if } ${this.write(condition)} \\\\ ${this.write(otherwise)} & \\text{else}`;
    return [`\\begin{cases} ${cases} \\end{cases}`, SUM];
  }

  relation = (operator: string, left: string, right: string) => `${left} ${{ "<=": "\\le", ">=": "\\ge" }[operator] ?? operator} ${right}`;

  applied(name: string, parts: Tree[]): Piece<string> {
    const inside = parts.map((part) => this.write(part)).join(", ");
    if (name === "exp") return [`e^{${inside}}`, POWER];
    if (name === "sqrt") return [`\\sqrt{${inside}}`, ATOM];
    if (name === "abs") return [`\\left|${inside}\\right|`, ATOM];
    const known: Record<string, string> = { log: "\\ln", tanh: "\\tanh", max: "\\max", min: "\\min" };
    return [(known[name] ?? `\\operatorname{${name}}`) + this.parenthesised(inside), ATOM];
  }
}

export function latexOf(blocks: Block[], names: Names, view: View): string {
  const formula = new Latex(names, view);
  const characters = names.network.data.latex;
  const written = blocks.map((block) => {
    if (block.kind === "heading") return "";
    if (block.kind === "paragraph") return escaped(block.text, characters);
    const left = formula.write(block.left);
    const rows: string[] = [];
    let before = "";
    for (const { side, remark } of block.lines) {
      const shown = formula.write(side);
      if (shown === before && !remark) continue;
      before = shown;
      const note = remark ? ` \\qquad {\\color{gray}\\text{\\small ${escaped(`(${remark})`, characters)}}}` : "";
      rows.push(`${rows.length ? "" : `${left} `}&= ${shown}${note}`);
    }
    return `\\begin{align*}\n${rows.join(" \\\\\n")}\n\\end{align*}`;
  });
  return `% Needs \\usepackage{amsmath,xcolor} in the document around it.\n${written.filter(Boolean).join("\n")}\n`;
}
