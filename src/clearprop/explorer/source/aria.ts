/* The text that a screen reader says at a place of the diagram. */

import { valueOf } from "./cycle";
import type { Progress } from "./phases";
import { chosen, type Quantity } from "./quantity";
import type { Store } from "./store";

/** The quantity's name and number, and for a weight the units that it connects. */
export function spoken(store: Store, id: string, progress: Progress): string {
  const quantity = chosen(id)!;
  const value = isKnown(quantity, progress) ? store.view.number(valueOf(store.current, quantity, store.rowShown)) : "not yet computed";
  return `${quantity.kind === "parameter" ? between(store, quantity.unit) : ""}${store.names.text(quantity)}: ${value}`;
}

function isKnown({ kind, layer, unit, by }: Quantity, progress: Progress): boolean {
  if (kind === "sum" || kind === "output") return progress.hasUnit(layer, unit);
  if (kind === "derivative") return progress.hasSignal(by.layer);
  return kind === "error" || kind === "total" ? progress.hasError : true;
}

function between({ network }: Store, index: number): string {
  const { layer, unit, source } = network.place(index);
  if (source !== null) return `weight from ${network.unitName(layer - 1, source)} to ${network.unitName(layer, unit)}, `;
  return network.isShared(index) ? `bias of layer ${layer + 1}, ` : `bias of ${network.unitName(layer, unit)}, `;
}
