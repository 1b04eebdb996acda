/* A person's own rows: pasted or dropped text as examples, or what is wrong with it. */

import type { Network } from "./network";
import { counted, grouped } from "./number";
import { rowsOf, type Rows } from "./propagate";

const MAX_ROWS = 2_000;
const MAX_CHARACTERS = 2_000_000;

export class Unfit extends Error {}

const shown = (cell: string): string => `"${cell.length > 30 ? `${cell.slice(0, 29)}…` : cell}"`;

function separatorOf(line: string): string {
  const counts = [",", ";", "\t", "|"].map((sign): [string, number] => [sign, line.split(sign).length]);
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** The cells of each line; a cell in quotes may hold anything. */
function table(text: string): string[][] {
  const separator = separatorOf(text.split(/\r?\n/, 1)[0] ?? "");
  const rows: string[][] = [[]];
  let cell = "";
  let isQuoted = false;
  const endCell = () => (rows[rows.length - 1]!.push(cell.trim()), (cell = ""));
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (isQuoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') (cell += c), (at += 1);
      else isQuoted = false;
    } else if (c === '"' && cell.trim() === "") isQuoted = true;
    else if (c === separator) endCell();
    else if (c === "\n") endCell(), rows.push([]);
    else if (c !== "\r") cell += c;
  }
  endCell();
  return rows.filter((row) => row.some((each) => each !== ""));
}

const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));

/** Rows of numbers: the inputs, then one target for each output, or a class in one last column. */
export function rowsFrom(text: string, network: Network): Rows {
  if (text.length > MAX_CHARACTERS) throw new Unfit(`the text has ${grouped(text.length)} characters; the limit is ${grouped(MAX_CHARACTERS)}`);
  let rows = table(text);
  if (!rows.length) throw new Unfit("there are no rows; paste one line per example");
  const [inputs, outputs] = [network.sizes[0]!, network.outputs];
  const isHeader = !rows[0]!.slice(0, inputs).some(isNumber);
  const first = isHeader ? 2 : 1;
  if (isHeader) rows = rows.slice(1);
  if (!rows.length) throw new Unfit("a header but no data");
  if (rows.length > MAX_ROWS) throw new Unfit(`${grouped(rows.length)} rows are too many for a page; the limit is ${grouped(MAX_ROWS)}; use fewer, or clearprop train`);
  const width = rows[0]!.length;
  const hasClasses = width === inputs + 1 && (outputs > 1 || rows.some((row) => !isNumber(row[inputs] ?? "")));
  if (!hasClasses && width !== inputs + outputs) {
    const or = outputs > 1 ? `, or ${inputs + 1} with a class in the last` : "";
    throw new Unfit(`expected ${inputs + outputs} columns (${counted(inputs, "input")}, ${counted(outputs, "target")})${or}; found ${width}`);
  }
  rows.forEach((row, k) => {
    if (row.length !== width) throw new Unfit(`row ${k + first}: expected ${width} columns, found ${row.length}`);
    row.forEach((cell, column) => {
      if (!(hasClasses && column === inputs) && !isNumber(cell)) throw new Unfit(`row ${k + first}, column ${column + 1}: ${shown(cell)} is not a number`);
    });
  });
  const known = hasClasses ? classesOf(rows.map((row) => row[inputs]!), network) : [];
  const targets = (row: string[]) => (hasClasses ? oneHot(known.indexOf(row[inputs]!), outputs) : row.slice(inputs).map(Number));
  return rowsOf(rows.map((row) => [...row.slice(0, inputs).map(Number), ...targets(row)]), inputs);
}

/** One output for each class, or one for two. */
const oneHot = (at: number, outputs: number): number[] => (outputs === 1 ? [at] : [...Array(outputs).keys()].map((k) => Number(k === at)));

/** The classes in the order of the outputs. */
function classesOf(labels: string[], network: Network): string[] {
  const outputs = network.outputs;
  const names = [...Array(outputs).keys()].map((unit) => network.unitName(network.last, unit));
  const found = [...new Set(labels)].sort();
  const room = outputs === 1 ? 2 : outputs;
  if (found.length > room) throw new Unfit(`the last column has ${found.length} classes, but the network has outputs for ${room}: ${found.slice(0, 5).map(shown).join(", ")}${found.length > 5 ? ", …" : ""}`);
  return found.every((label) => names.includes(label)) ? names : found;
}
