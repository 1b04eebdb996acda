/* Derivations as plain text of 80 columns: the same lines that `clearprop explain` prints. */

import type { Block, Line } from "./compose";
import { POWER, PRODUCT, SIGN, signed, SUM, Text, type View } from "./printing";
import { App, type Tree } from "./tree";
import { limits } from "./words";

const long = (text: string): number => [...text].length;

export function textOf(blocks: Block[], view: View): string {
  const lines = blocks.flatMap((block) => {
    if (block.kind === "heading") return ["", view.name(block.quantity)];
    if (block.kind === "paragraph") return [block.text];
    return equationLines(block.left, block.lines, view).map((each) => `  ${each}`);
  });
  return `${lines.map((each) => each.trimEnd()).join("\n").replace(/^\n+|\n+$/g, "")}\n`;
}

/** ``left = side = …`` on one line if it fits, else one side to a line, long ones broken. */
function equationLines(leftTree: Tree, given: Line[], view: View): string[] {
  const width = limits().columns - 2;
  const formula = new BrokenText(view);
  const left = formula.write(leftTree);
  const all = given.map((line) => ({ ...line, shown: formula.write(line.side) }));
  // A side that looks like the one before it says nothing new.
  const sides = all.filter((each, k) => k === 0 || each.shown !== all[k - 1]!.shown || each.remark);
  const remarks = sides.map((each) => each.remark).filter(Boolean);
  if (remarks.length <= 1 && (!remarks.length || sides[sides.length - 1]!.remark)) {
    const one = [left, ...sides.map((each) => each.shown)].join(" = ") + (remarks.length ? `   (${remarks[0]})` : "");
    if (long(one) <= width) return [one];
  }
  const indent = " ".repeat(Math.min(long(left), 24));
  const lines: string[] = [];
  sides.forEach(({ side, shown, remark }, number) => {
    let start = number === 0 ? `${left} = ` : `${indent} = `;
    const room = width - long(start);
    const parts = long(shown) <= room ? [shown] : formula.lines(side, width - indent.length - 4);
    if (number === 0 && long(parts[0]!) > room) {
      lines.push(left);
      start = `${indent} = `;
    }
    parts.forEach((part, k) => lines.push((k === 0 ? start : `${indent}   `) + part));
    if (!remark) return;
    const last = lines.length - 1;
    const note = `   (${remark})`;
    if (long(lines[last]!) + long(note) <= width) lines[last] += note;
    else {
      const spare = width - long(note.trim());
      const start = spare < 0 ? indent.length + 3 : Math.min(indent.length + 3, spare);
      lines.push(...wrapped(note.trim(), width - start).map((part) => " ".repeat(start) + part));
    }
  });
  return lines;
}

/** Words in lines that fit. */
function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (lines.length && long(lines[last]!) + 1 + long(word) <= room) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Room for a sign and parentheses around a chunk. */
const SLACK = 4;
const SIGNS: Record<string, [rest: string, first: number, later: number]> = {
  "-": ["- ", SUM, PRODUCT], "*": ["", PRODUCT, SIGN], "/": ["/ ", PRODUCT, POWER],
};

/** A formula in chunks between which a line may break, long terms and factors too; as rendering/line_breaks.py. */
class BrokenText extends Text {
  lines(tree: Tree, room: number): string[] {
    const lines: string[] = [];
    for (const chunk of this.chunks(tree, room)) {
      const last = lines.length - 1;
      if (lines.length && long(lines[last]!) + 1 + long(chunk) <= room) lines[last] += ` ${chunk}`;
      else lines.push(chunk);
    }
    return lines;
  }

  private chunks(tree: Tree, room: number): string[] {
    return long(this.write(tree)) <= room ? [this.write(tree)] : this.broken(tree, room);
  }

  private broken(tree: Tree, room: number): string[] {
    if (!(tree instanceof App)) return [this.write(tree)];
    const { operator, parts } = tree;
    const [u, v] = parts as [Tree, Tree];
    const sign = SIGNS[operator];
    if (operator === "+")
      return parts.flatMap((term, k) => {
        const [before, part] = k ? signed(term) : ["", term];
        return this.part(k ? `${before} ` : "", part, k ? PRODUCT : SUM, room);
      });
    if (operator === "where") return [...this.part("", v, SUM, room), ...glued("if ", this.chunks(u, room), ""), ...glued("else ", this.chunks(parts[2]!, room), "")];
    if (sign) {
      const [shown, first, later] = sign;
      return parts.flatMap((part, k) => this.part(k ? shown || `${this.view.words.times} ` : "", part, k ? later : first, room));
    }
    if (operator === "negate" && this.write(tree) === this.write(u)) return this.broken(u, room);
    if (operator === "negate") return glued("-", this.part("", u, PRODUCT, room, false), "");
    if (operator === "**") return glued("(", this.chunks(u, room), `)${this.raised("", v)}`);
    const chunks = parts.flatMap((part) => glued("", this.chunks(part, room), ","));
    return glued(`${operator}(`, [...chunks.slice(0, -1), chunks[chunks.length - 1]!.slice(0, -1)], ")");
  }

  /** A term or factor with the sign before it. */
  private part(sign: string, tree: Tree, atLeast: number, room: number, leading = sign === ""): string[] {
    const [shown, strength] = this.piece(tree, leading);
    let chunks = long(shown) + SLACK > room ? this.broken(tree, room - SLACK) : [];
    if (chunks.length < 2) return [sign + this.wrapped(tree, atLeast, leading)];
    const isDivided = tree instanceof App && tree.operator === "/" && atLeast > PRODUCT;
    if (isDivided || strength < atLeast || (strength === SIGN && !leading)) chunks = glued("(", chunks, ")");
    return glued(sign, chunks, "");
  }
}

function glued(before: string, chunks: string[], after: string): string[] {
  const last = chunks.length - 1;
  return chunks.map((chunk, k) => (k ? "" : before) + chunk + (k === last ? after : ""));
}
