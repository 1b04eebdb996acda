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
const TOTAL_BELOW = 98;
/** The room above the first row: the name of the layer, then that of a unit. */
const HEADING = 60;

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
  /** Whether a unit's output stands below its weighted sum. */
  isStacked: boolean;
  isCompact: boolean;
}

/** The widths of what is written: a number, the longest label of a weight, the longest name, a target. */
export interface Wide {
  cell: number;
  label: number;
  name: number;
  target: number;
}

/** The narrower a drawing has to be, the higher its level: the total error below the others; then outputs below their
    sums; then no labels at weights, and fewer digits. */
export const LEVELS = [0, 1, 2, 3];
export const isCompactAt = (level: number): boolean => level === 3;

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

export function geometryOf(network: Network, folds: Fold[], wide: Wide, level: number): Geometry {
  const [isBelow, isStacked, isCompact] = [level > 0, level > 1, isCompactAt(level)];
  const all = folds.map((fold, column) => itemsOf(network.sizes[column]!, fold));
  const counts = all.map((items) => items.filter(isUnit).length);
  const edges = counts.slice(1).reduce((total, count, k) => total + count * counts[k]!, 0);
  const isLabelled = edges <= LABELLED && !isCompact;
  const rows = Math.max(...all.map((items) => items.length));
  const pitch = (rows > 5 ? ROW * 0.82 : ROW) + (isStacked ? BOX : 0);
  // At this place along its edges the labels of a column stand evenly below one another.
  const gapAfter = (column: number) => (isLabelled ? Math.max(140, (counts[column + 1]! + 1) * wide.label / 2) : isCompact ? 40 : 110);
  const margin = isCompact ? 10 : 16;
  const spare = isCompact ? Math.max(0, Math.min(wide.name, wide.cell + 32) - wide.cell) : 0;
  const half = (rows - 1) / 2;
  const middle = HEADING + half * pitch + (isStacked ? BOX : BOX / 2);
  let x = margin + spare / 2;
  const columns = all.map((items, column): Column => {
    const width = isCompact ? wide.cell : Math.max(wide.name, (column && !isStacked ? 2 : 1) * wide.cell);
    items.forEach((item, k) => (item.y = middle + (k - (items.length - 1) / 2) * pitch));
    const placed = { layer: column - 1, x, width, items };
    x += width + (column < all.length - 1 ? gapAfter(column) : isCompact ? 14 : 28);
    return placed;
  });
  const reach = Math.max(0, (wide.target - wide.cell) / 2);
  const errors = { x: x + reach, width: wide.cell };
  const end = errors.x + errors.width;
  const last = Math.max(...columns[columns.length - 1]!.items.filter(isUnit).map((item) => item.y));
  const total = isBelow ? { x: errors.x, y: last + TOTAL_BELOW, width: wide.cell } : { x: end + Math.max(reach, 46), y: middle, width: wide.cell };
  const hasShared = network.layers.some((layer) => layer.bias === "shared");
  const height = Math.max(middle + half * pitch + (isStacked ? BOX : BOX / 2) + (hasShared ? 76 : 52), total.y + 40);
  return { columns, errors, total, width: Math.max(total.x + total.width, end + reach) + margin, height, isLabelled, isStacked, isCompact };
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** The first place along an edge, ``best`` if it is free, where a label of that size covers no other; null if there is none. */
export function labelPlace(start: [number, number], end: [number, number], width: number, taken: Box[], best: number): [number, number] | null {
  const at = (t: number): [number, number] => [start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])];
  const boxAt = ([x, y]: [number, number]): Box => ({ x: x - width / 2, y: y - 10, width, height: 20 });
  const run = end[0] - start[0];
  const margin = Math.min(0.45, (width / 2 + 1) / run);
  for (const t of [best, 0.3, 0.7, 0.22, 0.78, 0.4, 0.6, 0.5, 0.26, 0.34, 0.45, 0.55, 0.66, 0.74, 0.18, 0.82]) {
    const inside = Math.min(1 - margin, Math.max(margin, t));
    if (!taken.some((other) => overlap(boxAt(at(inside)), other))) {
      taken.push(boxAt(at(inside)));
      return at(inside);
    }
  }
  return null;
}
