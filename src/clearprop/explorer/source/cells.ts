/* Text as cells, and cells as numbers, as tables/cells.py reads them. */

export class Unfit extends Error {}

export const shown = (cell: string): string => `"${cell.length > 30 ? `${cell.slice(0, 29)}…` : cell}"`;

export function separatorOf(line: string): string {
  const signs = [",", ";", "\t", "|"];
  // Between semicolons or tabs, commas among digits are decimal ones.
  const hasDecimals = /[;\t]/.test(line) && !line.replace(/(?<=\d),(?=\d)/g, "").includes(",");
  const counts = (hasDecimals ? signs.slice(1) : signs).map((sign): [string, number] => [sign, line.split(sign).length]);
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** A cell as a number by a decimal point and by a decimal comma, and the sign of a currency, as tables/cells.py reads it. */
export interface Reading {
  values: [number | null, number | null];
  unit: string;
}

export type Read = (cell: string) => Reading | null;

export function readerOf(written: [string, string]): Read {
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

export const certain = ({ values: [point, comma] }: Reading): string => (point === null ? "," : comma === null ? "." : "");

/** The numbers of a column: its cells settle the decimal sign, or else those of all columns; nothing is guessed. */
export function numbersOf(cells: Reading[], elsewhere: Set<string>, mayHaveCommas: boolean, texts: string[]): (number | null)[] | string {
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
export function table(text: string, separator: string): string[][] {
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
