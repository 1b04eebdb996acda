/* A person's own rows: pasted or dropped text as examples, or what is wrong with it. */

import type { Network } from "./network";
import { counted, grouped } from "./number";
import { rowsOf, type Rows } from "./propagate";

const MAX_ROWS = 2_000;
const MAX_CHARACTERS = 2_000_000;

export class Unfit extends Error {}

const shown = (cell: string): string => `"${cell.length > 30 ? `${cell.slice(0, 29)}…` : cell}"`;

function separatorOf(line: string): string {
  const signs = [",", ";", "\t", "|"];
  // Between semicolons or tabs, commas among digits are decimal ones.
  const hasDecimals = /[;\t]/.test(line) && !line.replace(/(?<=\d),(?=\d)/g, "").includes(",");
  const counts = (hasDecimals ? signs.slice(1) : signs).map((sign): [string, number] => [sign, line.split(sign).length]);
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** A cell as a number by a decimal point and by a decimal comma, and the sign of a currency, as tables/cells.py reads it. */
interface Reading {
  values: [number | null, number | null];
  unit: string;
}

type Read = (cell: string) => Reading | null;

function readerOf(written: [string, string]): Read {
  const forms = written.map((form) => new RegExp(`^(?:${form})$`));
  return (cell) => {
    const found = forms.map((form) => form.exec(cell)?.groups ?? null);
    const [point, comma] = found.map((parts, k) => parts && valueOf(parts, ".,"[k]!));
    const parts = found[0] ?? found[1];
    if (point == null && comma == null) return null;
    return { values: [point ?? null, comma ?? null], unit: parts!.before ?? parts!.after ?? "" };
  };
}

function valueOf(parts: Record<string, string | undefined>, decimal: string): number | null {
  if ((parts.sign && parts.inner) || (parts.before && parts.after)) return null;
  const digits = parts.body!.replace(new RegExp(`[^0-9${decimal}]`, "g"), "").replace(",", ".") + (parts.power ?? "");
  const value = Number(digits) * (/[-−]/.test(`${parts.sign}${parts.inner}`) ? -1 : 1);
  return Number.isFinite(value) ? value : null;
}

const certain = ({ values: [point, comma] }: Reading): string => (point === null ? "," : comma === null ? "." : "");

/** The numbers of a column: its cells settle the decimal sign, or else those of all columns; nothing is guessed. */
function numbersOf(cells: Reading[], elsewhere: Set<string>, mayHaveCommas: boolean, texts: string[]): (number | null)[] | string {
  const signs = new Set(cells.map(certain).filter(Boolean));
  const open = texts.filter((_, k) => certain(cells[k]!) === "" && cells[k]!.values[0] !== cells[k]!.values[1]);
  let decimal = ".";
  if (signs.size) decimal = signs.has(".") || !mayHaveCommas ? "." : ",";
  else if (open.length) {
    const [commas, points] = [",", "."].map((sign) => open.some((text) => text.includes(sign)));
    const others = commas || mayHaveCommas ? [...elsewhere].join("") : ".";
    if (others === "," && mayHaveCommas && !points) decimal = ",";
    else if (!(others === "." && !(commas && points)) && (commas || others === ",")) return open[0]!;
  }
  const unit = cells[0]?.unit ?? "";
  return cells.map((cell) => (cell.unit === unit ? cell.values[decimal === "," ? 1 : 0] : null));
}

/** The cells of each line; a cell in quotes may hold anything. */
function table(text: string, separator: string): string[][] {
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

/** Rows of numbers: the inputs, then one target for each output, or a class in one last column. */
export function rowsFrom(text: string, network: Network): Rows {
  if (text.length > MAX_CHARACTERS) throw new Unfit(`the text has ${grouped(text.length)} characters; the limit is ${grouped(MAX_CHARACTERS)}`);
  const separator = separatorOf(text.trimStart().split(/\r?\n/, 1)[0] ?? "");
  const read = readerOf(network.data.written);
  let rows = table(text, separator);
  if (!rows.length) throw new Unfit("there are no rows; paste one line per example");
  const [inputs, outputs] = [network.sizes[0]!, network.outputs];
  const isHeader = !rows[0]!.slice(0, inputs).some(read);
  const first = isHeader ? 2 : 1;
  if (isHeader) rows = rows.slice(1);
  if (!rows.length) throw new Unfit("a header but no data");
  if (rows.length > MAX_ROWS) throw new Unfit(`${grouped(rows.length)} rows are too many for a page; the limit is ${grouped(MAX_ROWS)}; use fewer, or clearprop train`);
  const width = rows[0]!.length;
  const hasClasses = width === inputs + 1 && (outputs > 1 || rows.some((row) => !read(row[inputs] ?? "")));
  if (!hasClasses && width !== inputs + outputs) {
    const or = outputs > 1 ? `, or ${inputs + 1} with a class in the last` : "";
    throw new Unfit(`expected ${inputs + outputs} columns (${counted(inputs, "input")}, ${counted(outputs, "target")})${or}; found ${width}`);
  }
  rows.forEach((row, k) => {
    if (row.length !== width) throw new Unfit(`row ${k + first}: expected ${width} columns, found ${row.length}`);
  });
  const refuse = (k: number, column: number, why: string) => new Unfit(`row ${k + first}, column ${column + 1}: ${shown(rows[k]![column]!)} ${why}`);
  const readings = [...Array(hasClasses ? inputs : width).keys()].map((column) =>
    rows.map((row, k) => {
      const found = read(row[column]!);
      if (!found) throw refuse(k, column, "is not a number");
      return found;
    }),
  );
  const signs = new Set(readings.flat().map(certain).filter(Boolean));
  const columns = readings.map((cells, column) => {
    const texts = rows.map((row) => row[column]!);
    const values = numbersOf(cells, signs, separator === ";" || separator === "\t", texts);
    if (typeof values === "string") throw refuse(texts.indexOf(values), column, "may have a decimal comma or thousands; write it with a point and without thousands");
    return values.map((value, k) => {
      if (value === null) throw refuse(k, column, "is written unlike others of its column");
      return value;
    });
  });
  const known = hasClasses ? classesOf(rows.map((row) => row[inputs]!), network) : [];
  const targets = (row: string[], k: number) => (hasClasses ? oneHot(known.indexOf(row[inputs]!), outputs) : columns.slice(inputs).map((values) => values[k]!));
  return rowsOf(rows.map((row, k) => [...columns.slice(0, inputs).map((values) => values[k]!), ...targets(row, k)]), inputs);
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
