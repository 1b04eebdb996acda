/* A person's own rows: pasted or dropped text as examples, or what is wrong with it. */

import { certain, numbersOf, readerOf, separatorOf, shown, table, Unfit } from "./cells";
import type { Network } from "./network";
import { counted, grouped } from "./number";
import { placeOf, rowsOfTable } from "./prepared";
import { rowsOf, type Rows } from "./propagate";

export { Unfit };

const MAX_ROWS = 2_000;
const MAX_CHARACTERS = 2_000_000;

/** Rows of numbers: the inputs, then one target for each output, or a class in one last column. */
export function rowsFrom(text: string, network: Network): Rows {
  if (text.length > MAX_CHARACTERS) throw new Unfit(`the text has ${grouped(text.length)} characters; the limit is ${grouped(MAX_CHARACTERS)}`);
  const separator = separatorOf(text.trimStart().split(/\r?\n/, 1)[0] ?? "");
  const read = readerOf(network.data.written);
  const mayHaveCommas = separator === ";" || separator === "\t";
  let rows = table(text, separator);
  if (!rows.length) throw new Unfit("there are no rows; paste one line per example");
  const requireRoom = (count: number) => {
    if (count > MAX_ROWS) throw new Unfit(`${grouped(count)} rows are too many for a page; the limit is ${grouped(MAX_ROWS)}; use fewer, or clearprop train`);
  };
  requireRoom(rows.length - 1);
  if (network.data.table) return rowsOfTable(rows, read, mayHaveCommas, network, network.data.table);
  const [inputs, outputs] = [network.sizes[0]!, network.outputs];
  const isHeader = !rows[0]!.slice(0, inputs).some(read);
  const first = isHeader ? 2 : 1;
  if (isHeader) rows = inOrder(rows, network);
  if (!rows.length) throw new Unfit("a header but no data");
  requireRoom(rows.length);
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
    const values = numbersOf(cells, signs, mayHaveCommas, texts);
    if (typeof values === "string") throw refuse(texts.indexOf(values), column, "may have a decimal comma or thousands; write it with a point and without thousands");
    return values.map((value, k) => {
      if (value === null) throw refuse(k, column, "is written unlike the others in its column");
      return value;
    });
  });
  const known = hasClasses ? classesOf(rows.map((row) => row[inputs]!), network) : [];
  const targets = (row: string[], k: number) => (hasClasses ? oneHot(known.indexOf(row[inputs]!), outputs) : columns.slice(inputs).map((values) => values[k]!));
  return rowsOf(rows.map((row, k) => [...columns.slice(0, inputs).map((values) => values[k]!), ...targets(row, k)]), inputs);
}

/** The rows below a header, in the order of the inputs and outputs, where it has their names. */
function inOrder([header, ...rows]: string[][], network: Network): string[][] {
  const names = [...Array(network.sizes[0]!).keys()].map((i) => network.inputName(i));
  const units = [...Array(network.outputs).keys()].map((unit) => network.unitName(network.last, unit));
  if (!names.some((name) => header!.includes(name))) return rows;
  const places = names.map((name) => placeOf(name, header!));
  const others = [...header!.keys()].filter((place) => !places.includes(place));
  const targets = units.some((name) => header!.includes(name)) ? units.map((name) => placeOf(name, header!)) : others;
  return rows.map((row) => (row.length === header!.length ? [...places, ...targets].map((place) => row[place]!) : row));
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
  const strange = found.filter((label) => !names.includes(label));
  if (outputs === 1) return names[0] === found[0] ? [...found].reverse() : found;
  if (strange.length && strange.length < found.length) throw new Unfit(`no output is called ${strange.slice(0, 5).map(shown).join(", ")} as other classes are; found ${names.slice(0, 8).join(", ")}`);
  return strange.length ? found : names;
}
