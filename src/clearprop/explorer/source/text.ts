/* Derivations as plain text of 80 columns: the same lines that `clearprop explain` prints. */

import type { Block, Line } from "./compose";
import { Text } from "./printing";
import type { View } from "./printing";
import type { Tree } from "./tree";
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

/** ``left = side = …`` on one line if it fits, else one side to a line, long ones wrapped. */
function equationLines(leftTree: Tree, given: Line[], view: View): string[] {
  const width = limits().columns - 2;
  const formula = new Text(view);
  const left = formula.write(leftTree);
  const all = given.map(({ side, remark }) => ({ side: formula.write(side), remark }));
  // A step that looks like the one before it says nothing new.
  const sides = all.filter((each, k) => k === 0 || each.side !== all[k - 1]!.side || each.remark);
  const remarks = sides.map((each) => each.remark).filter(Boolean);
  if (remarks.length <= 1 && (!remarks.length || sides[sides.length - 1]!.remark)) {
    const one = [left, ...sides.map((each) => each.side)].join(" = ") + (remarks.length ? `   (${remarks[0]})` : "");
    if (long(one) <= width) return [one];
  }
  const indent = " ".repeat(Math.min(long(left), 24));
  const lines: string[] = [];
  sides.forEach(({ side, remark }, number) => {
    let start = number === 0 ? `${left} = ` : `${indent} = `;
    const room = width - long(start);
    const parts = long(side) <= room ? [side] : broken(side, view.words.times, width - indent.length - 4);
    if (number === 0 && long(parts[0]!) > room) {
      lines.push(left);
      start = `${indent} = `;
    }
    parts.forEach((part, k) => lines.push((k === 0 ? start : `${indent}   `) + part));
    if (remark) addRemark(lines, remark, indent);
  });
  return lines;
}

function addRemark(lines: string[], remark: string, indent: string): void {
  const width = limits().columns - 2;
  const note = `   (${remark})`;
  const last = lines.length - 1;
  if (long(lines[last]!) + long(note) <= width) lines[last] += note;
  else lines.push(" ".repeat(Math.max(0, Math.min(indent.length + 3, width - long(remark) - 2))) + `(${remark})`);
}

/** A long side in pieces, broken before + - / and the sign for times, outside parentheses where possible. */
function broken(shown: string, times: string, room: number): string[] {
  let words = wordsOf(shown, times, 0);
  if (words.some((word) => long(word) > room)) words = wordsOf(shown, times, 99);
  const lines = [words[0]!];
  for (const word of words.slice(1)) {
    const last = lines[lines.length - 1]!;
    if (long(last) + 1 + long(word) <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function wordsOf(shown: string, times: string, deepest: number): string[] {
  const words: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < shown.length; at++) {
    const character = shown[at]!;
    if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === " " && depth <= deepest && isSign(shown[at + 1], times) && shown[at + 2] === " ") {
      words.push(shown.slice(start, at));
      start = at + 1;
    }
  }
  return [...words, shown.slice(start)];
}

function isSign(character: string | undefined, times: string): boolean {
  return character !== undefined && ["+", "-", "/", times].includes(character);
}
