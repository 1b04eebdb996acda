/* The positions in the diagram. A wide layer is folded: it shows a window of its units, and boxes with the number of
   others. */

import type { Network } from "./network";

export const FOLDED = 5;
export const WINDOW = 16;
/** A layer of at most this many units is never folded. */
const WHOLE = 8;
/** Weights are labelled if at most this many are visible. */
const LABELLED = 28;

export const BOX = 38;
const ROW = 128;

export interface Fold {
  from: number;
  count: number;
}

export type Item = { kind: "unit"; unit: number; y: number } | { kind: "more" | "less"; words: string; y: number };

export interface Column {
  layer: number;
  x: number;
  /** The width of one of its boxes. */
  width: number;
  items: Item[];
}

export interface Geometry {
  columns: Column[];
  errors: { x: number; width: number };
  total: { x: number; y: number; width: number };
  width: number;
  height: number;
  isLabelled: boolean;
}

export interface Wide {
  cell: number;
  label: number;
  name: number;
}

export function foldOf(size: number): Fold {
  return { from: 0, count: size <= WHOLE ? size : FOLDED };
}

/** The fold after its box above or below was pressed. */
export function turned(fold: Fold, size: number, way: "more" | "less"): Fold {
  if (way === "more") {
    const from = fold.count === FOLDED ? 0 : fold.from + WINDOW;
    return { from, count: Math.min(WINDOW, size - from) };
  }
  return fold.from ? { from: Math.max(0, fold.from - WINDOW), count: WINDOW } : foldOf(size);
}

function itemsOf(size: number, { from, count }: Fold): Item[] {
  const items: Item[] = [];
  if (from || count > WHOLE) items.push({ kind: "less", words: from ? `↑ ${from} earlier` : "show fewer", y: 0 });
  for (let unit = from; unit < from + count; unit++) items.push({ kind: "unit", unit, y: 0 });
  const rest = size - from - count;
  if (rest) items.push({ kind: "more", words: `${rest} more`, y: 0 });
  return items;
}

const isUnit = (item: Item): boolean => item.kind === "unit";

export function geometryOf(network: Network, folds: Fold[], wide: Wide): Geometry {
  const all = folds.map((fold, column) => itemsOf(network.sizes[column]!, fold));
  const counts = all.map((items) => items.filter(isUnit).length);
  const edges = counts.slice(1).reduce((total, count, k) => total + count * counts[k]!, 0);
  const isLabelled = edges <= LABELLED;
  const rows = Math.max(...all.map((items) => items.length));
  const pitch = rows > 6 ? ROW * 0.82 : ROW;
  const height = Math.max(rows * pitch, 2 * ROW) + 96;
  const gapAfter = (column: number) => {
    const lines = counts[column]! * (counts[column + 1] ?? 0);
    return isLabelled ? Math.max(140, wide.label + 52 + Math.min(220, 26 * Math.max(0, lines - 4))) : 110;
  };
  let x = 16;
  const columns = all.map((items, column): Column => {
    const width = Math.max(wide.name, column ? 2 * wide.cell : wide.cell);
    items.forEach((item, k) => (item.y = height / 2 + 16 + (k - (items.length - 1) / 2) * pitch));
    const placed = { layer: column - 1, x, width, items };
    x += width + (column < all.length - 1 ? gapAfter(column) : 44);
    return placed;
  });
  const box = Math.max(wide.cell, 74);
  const errors = { x, width: box };
  const total = { x: x + box + 46, y: height / 2 + 16, width: Math.max(wide.cell, 86) };
  return { columns, errors, total, width: total.x + total.width + 16, height, isLabelled };
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** The first place along an edge where a label of that size covers no other; null if there is none. */
export function labelPlace(start: [number, number], end: [number, number], width: number, taken: Box[]): [number, number] | null {
  const at = (t: number): [number, number] => [start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])];
  const boxAt = ([x, y]: [number, number]): Box => ({ x: x - width / 2 - 3, y: y - 10, width: width + 6, height: 20 });
  const run = end[0] - start[0];
  const margin = Math.min(0.45, (width / 2 + 6) / run);
  for (const t of [0.3, 0.7, 0.22, 0.78, 0.4, 0.6, 0.5, 0.26, 0.34, 0.45, 0.55, 0.66, 0.74, 0.18, 0.82]) {
    const inside = Math.min(1 - margin, Math.max(margin, t));
    if (!taken.some((other) => overlap(boxAt(at(inside)), other))) {
      taken.push(boxAt(at(inside)));
      return at(inside);
    }
  }
  return null;
}
