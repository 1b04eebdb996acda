/* Rows of the table that a network was trained on: what was fitted on its columns is applied, as tables/apply.py does. */

import { certain, numbersOf, shown, Unfit, type Read } from "./cells";
import type { FittedColumn, FittedTable } from "./data";
import { evaluate } from "./evaluate";
import type { Network } from "./network";
import { counted } from "./number";
import { rowsOf, type Rows } from "./propagate";
import { words } from "./words";

const listed = (names: readonly string[]): string => names.slice(0, 8).join(", ") + (names.length > 8 ? ", …" : "");

/** The place of a column in a header; it is there once. */
export function placeOf(name: string, header: string[]): number {
  const count = header.filter((each) => each === name).length;
  if (count > 1) throw new Unfit(`column ${shown(name)} is in the header ${count} times; names must be unique`);
  if (!count) throw new Unfit(`there is no column ${shown(name)}; found ${listed(header)}`);
  return header.indexOf(name);
}

/** The place of a cell among known ones; a truth value is called True or False there. */
function among(known: string[], cell: string): number {
  const isTruth = !known.includes(cell) && /^(true|false)$/i.test(cell);
  return known.indexOf(isTruth ? cell[0]!.toUpperCase() + cell.slice(1).toLowerCase() : cell);
}

/** A column of pasted cells, with what messages need. */
interface Pasted {
  name: string;
  cells: string[];
  first: number;
}

const refusal = (column: Pasted, row: number, why: string) => new Unfit(`row ${row + column.first}, column ${shown(column.name)}: ${why}`);

/** Rows of that table as examples: columns by name under a header, in the table's order without one. */
export function rowsOfTable(lines: string[][], read: Read, mayHaveCommas: boolean, network: Network, table: FittedTable): Rows {
  const [names, targets] = [table.order, table.targets.map(({ name }) => name)];
  const header = lines[0]!;
  const isHeader = names.every((name) => header.includes(name)) || ([...names, ...targets].some((name) => header.includes(name)) && !header.some(read));
  const rows = isHeader ? lines.slice(1) : lines;
  const first = isHeader ? 2 : 1;
  if (!rows.length) throw new Unfit("a header but no data");
  const whole = isHeader ? header : [...names, ...targets];
  const width = rows[0]!.length;
  if (!isHeader && width !== whole.length && width !== names.length) throw new Unfit(`expected ${counted(whole.length, "column")} (${listed(whole)}); found ${width}`);
  rows.forEach((row, k) => {
    if (row.length !== (isHeader ? header.length : width)) throw new Unfit(`row ${k + first}: expected ${counted(isHeader ? header.length : width, "column")}, found ${row.length}`);
  });
  const present = isHeader ? header : whole.slice(0, width);
  names.forEach((name) => placeOf(name, present));
  if (!targets.every((name) => present.includes(name))) {
    throw new Unfit(`these rows lack the target, ${targets.map(shown).join(", ")}; the page shows errors and gradients, which need it (clearprop predict does not)`);
  }
  const pasted = (name: string): Pasted => ({ name, first, cells: rows.map((row) => row[placeOf(name, present)]!) });
  const missing = (cell: string) => table.na.includes(cell);
  const numeric = [...table.columns.filter(({ categories }) => !categories), ...(table.classes ? [] : table.targets)];
  const signs = new Set(numeric.flatMap(({ name }) => pasted(name).cells).flatMap((cell) => read(cell) ?? []).map(certain).filter(Boolean));
  const numbers = (column: Pasted, fill: number | null, learnt?: string): number[] => {
    const there = [...column.cells.keys()].filter((k) => !missing(column.cells[k]!));
    const readings = there.map((k) => read(column.cells[k]!) ?? fail(refusal(column, k, `${shown(column.cells[k]!)} is not a number`)));
    const unit = readings.find((each) => each.unit)?.unit ?? "";
    if (learnt !== undefined && unit && unit !== learnt) {
      const were = learnt ? `in ${learnt}` : "without a sign";
      throw new Unfit(`column ${shown(column.name)}: ${words("other_unit", { found: `in ${unit}`, learnt: were })}`);
    }
    const texts = there.map((k) => column.cells[k]!);
    const found = table.decimal ? readings.map(({ values }) => values[table.decimal === "," ? 1 : 0]) : numbersOf(readings, signs, mayHaveCommas, texts);
    if (typeof found === "string") throw refusal(column, column.cells.indexOf(found), `${shown(found)} may have a decimal comma or thousands; write it with a point and without thousands`);
    const values = column.cells.map((): number | null => fill);
    there.forEach((k, place) => (values[k] = found[place] ?? fail(refusal(column, k, `${shown(column.cells[k]!)} is written unlike the others in its column`))));
    return values.map((value, k) => value ?? fail(refusal(column, k, "there is no value")));
  };
  const standardized = ({ mean, scale }: { mean: number; scale: number }) => (value: number) => evaluate(network.data.standardized, { value, mean, scale });
  const inputs = table.columns.flatMap((column) => {
    const own = pasted(column.name);
    if (!column.categories) return [numbers(own, column.fill as number | null, column.unit).map(standardized(column))];
    const places = own.cells.map((cell, k) => categoryOf(missing(cell) ? column.fill : cell, column, own, k));
    return column.categories.map((_, place) => places.map((each) => Number(each === place)));
  });
  const { classes } = table;
  const known = classes ? classCodes(pasted(targets[0]!), classes, table.numbers ? read : null, missing) : [];
  const wanted = !classes
    ? table.targets.map((target) => numbers(pasted(target.name), null, target.unit).map(standardized(target)))
    : network.outputs === 1 ? [known] : classes.map((_, place) => known.map((each) => Number(each === place)));
  const found = rowsOf(rows.map((_, k) => [...inputs, ...wanted].map((column) => column[k]!)), network.sizes[0]!);
  return { ...found, ...weightsOf(table, known, present, (name) => numbers(pasted(name), null)) };
}

function fail(error: Unfit): never {
  throw error;
}

function categoryOf(cell: string | number | null, { categories }: FittedColumn, own: Pasted, row: number): number {
  if (cell === null) throw refusal(own, row, "there is no value");
  const place = among(categories!, String(cell));
  if (place < 0) throw refusal(own, row, `expected one of ${listed(categories!)}; found ${shown(String(cell))}, which training never saw`);
  return place;
}

/** The class of each row, by its place among the outputs; classes that are numbers are compared as such. */
function classCodes(own: Pasted, classes: string[], read: Read | null, missing: (cell: string) => boolean): number[] {
  return own.cells.map((cell, k) => {
    if (missing(cell)) throw refusal(own, k, "there is no value");
    const value = read?.(cell)?.values[0];
    const place = read ? classes.findIndex((label) => Number(label) === value) : among(classes, cell);
    return place >= 0 ? place : fail(refusal(own, k, `expected one of ${listed(classes)}; found ${shown(cell)}, which training never saw`));
  });
}

/** How much each row counts, as training counted it; what the rows lack is left out, and said. */
function weightsOf(table: FittedTable, codes: number[], present: string[], numbers: (name: string) => number[]): Pick<Rows, "weights" | "note"> {
  const column = table.weight_column;
  const has = column !== null && present.includes(column);
  const note = column !== null && !has ? `weights: left out (no column ${column})` : "";
  const byClass = table.class_weights.length ? codes.map((code) => table.class_weights[code]!) : null;
  if (!has) return { weights: byClass, note };
  return { weights: numbers(column).map((weight, k) => weight * (byClass?.[k] ?? 1)), note };
}
