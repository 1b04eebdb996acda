/* The text that a screen reader says at a place of the diagram. */

import type { Progress } from "./phases";
import { chosen } from "./quantity";
import type { Store } from "./store";

/** The quantity's name and number, and for a weight the units that it connects. */
export function spoken(store: Store, id: string, progress: Progress): string {
  const quantity = chosen(id)!;
  const value = store.written(quantity, progress, "not yet computed");
  return `${quantity.kind === "parameter" ? between(store, quantity.unit) : ""}${store.names.text(quantity)}: ${value}`;
}

function between({ network }: Store, index: number): string {
  const { layer, unit, source } = network.place(index);
  if (source !== null) return `weight from ${network.unitName(layer - 1, source)} to ${network.unitName(layer, unit)}, `;
  return network.isShared(index) ? `bias of layer ${layer + 1}, ` : `bias of ${network.unitName(layer, unit)}, `;
}
