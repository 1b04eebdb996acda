/* Where a quantity lives in the diagram. A place is a unit (u0.1), a weight or bias (p4), a target (t0), an error
   (e0), or the total error. */

import type { Network } from "./network";
import type { Quantity } from "./quantity";

const unit = (layer: number, index: number): string => `u${layer}.${index}`;

/** The places of a quantity; of a derivative, the link between its two. */
export function placesOf(quantity: Quantity, network: Network): string[] {
  switch (quantity.kind) {
    case "output":
    case "sum":
      return [unit(quantity.layer, quantity.unit)];
    case "parameter":
    case "target":
    case "error":
    case "total":
      return [quantity.id];
    case "state":
      return [`p${quantity.unit}`];
    case "updated":
      return placesOf(quantity.of, network);
    case "derivative":
      return link(quantity.of, quantity.by, network);
    default:
      return [];
  }
}

function link(of: Quantity, by: Quantity, network: Network): string[] {
  if (by.kind === "parameter") return [by.id];
  if (of.kind === "sum" && by.kind === "output") return [`p${network.weight(of.layer, of.unit, by.unit)}`];
  if ((of.kind === "error" || of.kind === "total") && by.layer === network.last) {
    const error = of.kind === "error" ? of.unit : by.unit;
    return by.kind === "output" ? [`e${error}`] : [`e${error}`, unit(by.layer, by.unit)];
  }
  return placesOf(by, network);
}

/** Everything on the way from a quantity to the error, as a test of places. */
export function pathFrom(quantity: Quantity, network: Network): (place: string) => boolean {
  const start = startOf(quantity, network);
  if (!start) return (place) => placesOf(quantity, network).includes(place);
  const { layer, units } = start;
  const own = quantity.kind === "parameter" ? quantity.id : "";
  const isScalar = network.rule(network.last).kind === "scalar";
  const reaches = (at: number, index: number) => (at === layer ? units === null || units === index : at > layer);
  return (place) => {
    if (place === own || place === "total") return true;
    const [, kind, first, second] = /^([a-z])(-?\d+)(?:\.(\d+))?$/.exec(place) ?? [];
    if (kind === "u") return reaches(Number(first), Number(second));
    if (kind === "e") return layer < network.last || !isScalar || reaches(layer, Number(first));
    if (kind !== "p") return false;
    const { layer: at, source } = network.place(Number(first));
    return source !== null && at > layer && reaches(at - 1, source);
  };
}

/** The layer that a path begins in, and its unit; null for all of them (a shared bias). */
function startOf(quantity: Quantity, network: Network): { layer: number; units: number | null } | null {
  if (quantity.kind === "derivative") return startOf(quantity.by, network);
  if (quantity.kind === "output" || quantity.kind === "sum") return { layer: quantity.layer, units: quantity.unit };
  if (quantity.kind !== "parameter") return null;
  const { layer, unit: index } = network.place(quantity.unit);
  return { layer, units: network.isShared(quantity.unit) ? null : index };
}
