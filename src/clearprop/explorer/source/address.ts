/* The state of the page as a readable address: changes from the original, the cycle, the selection, the display. */

import { hasValue } from "./cycle";
import type { Rounding } from "./data";
import { rowsOf, type Rows } from "./propagate";
import { chosen, type Quantity } from "./quantity";
import type { Setup, Store } from "./store";
import { Network } from "./network";
import { afterError, phasesOf } from "./phases";

const MAX_CHANGES = 400;
const MAX_OWN = 600;
const TIME = 1_500;

type Change = [number, number];

function changes(values: ArrayLike<number>, original: ArrayLike<number>): Change[] {
  const found: Change[] = [];
  for (let k = 0; k < values.length && found.length <= MAX_CHANGES; k++) if (values[k] !== original[k]) found.push([k, values[k]!]);
  return found;
}

const written = (found: Change[]): string => found.map(([at, value]) => `${at}:${value}`).join(",");

/** The part of the address after the #, or null if the state is too large for one. */
export function addressOf(store: Store): string | null {
  const { setup, original, shown, data } = store;
  const parts = new URLSearchParams();
  const put = (key: string, value: string | number, usual: string | number) => {
    if (value !== usual) parts.set(key, String(value));
  };
  const weights = changes(setup.start, original.start);
  if (weights.length > MAX_CHANGES) return null;
  put("weights", written(weights), "");
  put("rate", setup.rate, original.rate);
  put("activations", written(changes(setup.activations, original.activations)), "");
  put("loss", data.losses[setup.loss]!.label, data.losses[original.loss]!.label);
  if (setup.isOwn) {
    if (setup.examples.inputs.length + setup.examples.targets.length > MAX_OWN) return null;
    parts.set("rows", rowsWritten(setup.examples));
  } else {
    const inputs = changes(setup.examples.inputs, original.examples.inputs);
    const targets = changes(setup.examples.targets, original.examples.targets);
    if (inputs.length + targets.length > MAX_CHANGES) return null;
    put("inputs", written(inputs), "");
    put("targets", written(targets), "");
  }
  put("example", setup.row + 1, 1);
  put("batch", Number(setup.isBatch), 0);
  put("cycle", store.step, 1);
  put("at", store.position, afterError(store.phases));
  put("of", store.selected.id, "p0");
  put("notation", shown.notation, data.notation);
  put("digits", shown.digits, 5);
  put("rounding", shown.rounding, "nearest");
  return parts.toString();
}

function rowsWritten(rows: Rows): string {
  const [inputs, targets] = [rows.inputs.length / rows.count, rows.targets.length / rows.count];
  const row = (k: number) => [...rows.inputs.subarray(k * inputs, (k + 1) * inputs), ...rows.targets.subarray(k * targets, (k + 1) * targets)];
  return [...Array(rows.count).keys()].map((k) => row(k).join(",")).join(";");
}

// --- reading ------------------------------------------------------------------------------------

class Broken extends Error {}

function number(text: string, what: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new Broken(`${what}: "${text.slice(0, 30)}" is not a number`);
  return value;
}

function whole(text: string, what: string, low: number, high: number): number {
  const value = number(text, what);
  if (!Number.isInteger(value) || value < low || value > high) throw new Broken(`${what}: expected ${low === high ? low : `${low} to ${high}`}, found ${text.slice(0, 30)}`);
  return value;
}

function changed(text: string | null, original: ArrayLike<number>, what: string, read = number): Float64Array {
  const values = Float64Array.from(original);
  for (const part of text ? text.split(",") : []) {
    const [at, value] = part.split(":");
    values[whole(at ?? "", what, 0, values.length - 1)] = read(value ?? "", what);
  }
  return values;
}

function among(label: string, list: { label: string }[], what: string): number {
  const index = list.findIndex((each) => each.label === label);
  if (index < 0) throw new Broken(`${what}: "${label.slice(0, 30)}" is not available`);
  return index;
}

function rowsFrom(text: string, store: Store): Rows {
  const { sizes, outputs } = store.network;
  const rows = text.split(";").map((row) => row.split(",").map((cell) => number(cell, "rows")));
  const width = sizes[0]! + outputs;
  if (rows.some((row) => row.length !== width)) throw new Broken(`rows: expected ${width} numbers in each`);
  return rowsOf(rows, sizes[0]!);
}

function setupFrom(parts: URLSearchParams, store: Store): Setup {
  const { original, data } = store;
  const rule = (text: string, what: string) => whole(text, what, 0, data.activations.length - 1);
  const activations = [...changed(parts.get("activations"), original.activations, "activations", rule)];
  const own = parts.get("rows");
  const examples = own !== null ? rowsFrom(own, store) : {
    ...original.examples,
    inputs: changed(parts.get("inputs"), original.examples.inputs, "inputs"),
    targets: changed(parts.get("targets"), original.examples.targets, "targets"),
  };
  const loss = parts.get("loss");
  const rate = parts.has("rate") ? number(parts.get("rate")!, "rate") : original.rate;
  if (rate < 0) throw new Broken(`rate: expected at least 0, found ${rate}`);
  return {
    activations, loss: loss === null ? original.loss : among(loss, data.losses, "loss"),
    start: changed(parts.get("weights"), original.start, "weights"), rate, examples, isOwn: own !== null,
    row: whole(parts.get("example") ?? "1", "example", 1, examples.count) - 1, isBatch: parts.get("batch") === "1",
  };
}

/** Go to the state in an address. Returns a sentence if it does not match; then nothing is changed. */
export function goToAddress(store: Store, address: string): string | null {
  const text = address.replace(/^#/, "");
  if (!text) return null;
  try {
    const parts = new URLSearchParams(text);
    const setup = setupFrom(parts, store);
    const step = whole(parts.get("cycle") ?? "1", "cycle", 1, 1_000_000);
    const notation = parts.get("notation") ?? store.shown.notation;
    if (!Object.hasOwn(store.data.notations, notation)) throw new Broken(`notation: "${notation.slice(0, 30)}" is not available`);
    const digits = whole(parts.get("digits") ?? "5", "digits", 0, 17);
    const rounding = parts.get("rounding") ?? "nearest";
    if (rounding !== "nearest" && rounding !== "truncate") throw new Broken("rounding: expected nearest or truncate");
    const selected = chosen(parts.get("of") ?? "p0");
    if (!selected || !exists(store, selected)) throw new Broken("of: no such quantity");
    const phases = phasesOf(new Network(store.data, setup.activations, setup.loss));
    const position = whole(parts.get("at") ?? String(afterError(phases)), "at", 0, phases.length);
    const fault = store.edit(setup);
    if (fault) throw new Broken(fault);
    store.shown = { notation, digits, rounding: rounding as Rounding };
    const late = store.goTo(step, performance.now() + TIME);
    store.position = position;
    store.select(selected);
    return late;
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return `This link does not match the network: ${error.message}. It was ignored.`;
  }
}

function exists(store: Store, quantity: Quantity): boolean {
  const { network } = store;
  const { kind, layer, unit } = quantity;
  if (kind === "parameter") return unit < network.size;
  if (kind === "derivative") return exists(store, quantity.of) && exists(store, quantity.by);
  if (kind === "output" || kind === "sum") return layer >= (kind === "sum" ? 0 : -1) && layer < network.depth && unit < network.sizes[layer + 1]!;
  if (kind === "target" || kind === "error") return unit < network.outputs;
  if (kind === "state" || kind === "updated" || kind === "named") return hasValue(store.current, quantity);
  return (kind !== "penalty" && kind !== "unpenalized") || store.data.penalty !== null;
}
