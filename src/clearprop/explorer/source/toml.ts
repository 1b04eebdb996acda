/* The network as a network file: what Python knows of it, with the numbers of the moment put in. */

import type { Store } from "./store";

type Value = number | string | boolean | Value[] | { [key: string]: Value };

const MAX_EXAMPLES = 2_000;

function text(value: string): string {
  const escapes: Record<string, string> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const hex = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${value.replace(/["\\\n\r\t]|[\x00-\x1f\x7f]/g, (c) => escapes[c] ?? hex(c))}"`;
}

function written(value: Value): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  return `{${Object.entries(value).map(([key, each]) => `${key} = ${written(each)}`).join(", ")}}`;
}

function lines(table: Record<string, Value>): string {
  return Object.entries(table).map(([key, value]) => `${key} = ${written(value)}\n`).join("");
}

type Tables = Record<string, Record<string, Value>>;

/** The file, or null for rules that no file describes. */
export function tomlOf(store: Store): string | null {
  const { data, network, setup, current } = store;
  if (data.file === null) return null;
  const { notation: _, layers, ...rest } = data.file as { notation: string; layers: Record<string, Value>[] } & Tables;
  let file = `notation = ${written(store.shown.notation)}\n`;
  const { inputs, loss, optimizer, ...others } = rest as Tables;
  file += `\n[inputs]\n${lines(inputs!)}`;
  layers.forEach((layer, index) => (file += `\n[[layers]]\n${lines(layerTable(store, layer, index))}`));
  const isFileLoss = setup.loss === store.original.loss;
  const { over_outputs, over_examples } = data.network;
  file += `\n[loss]\n${lines(isFileLoss ? loss! : { name: network.loss.name, over_outputs, over_examples })}`;
  file += `\n[optimizer]\n${lines({ ...optimizer!, learning_rate: setup.rate })}`;
  for (const [name, table] of Object.entries(others)) file += `\n[${name}]\n${lines(table)}`;
  const { examples } = setup;
  const [width, outputs] = [examples.inputs.length / examples.count, network.outputs];
  for (let row = 0; row < Math.min(examples.count, MAX_EXAMPLES); row++) {
    const weight: Record<string, Value> = examples.weights ? { weight: examples.weights[row]! } : {};
    const inputsOf = [...examples.inputs.subarray(row * width, (row + 1) * width)];
    const targets = [...examples.targets.subarray(row * outputs, (row + 1) * outputs)];
    file += `\n[[examples]]\n${lines({ inputs: inputsOf, targets, ...weight })}`;
  }
  return current.fault ? null : file;
}

function layerTable(store: Store, layer: Record<string, Value>, index: number): Record<string, Value> {
  const { network, setup, original, current } = store;
  const [inputs, units] = [network.sizes[index]!, network.sizes[index + 1]!];
  const { vector } = current.moment;
  const weights = [...Array(units).keys()].map((unit) => [...vector.subarray(network.weight(index, unit, 0), network.weight(index, unit, 0) + inputs)]);
  const at = network.biasStart[index]!;
  const policy = network.layers[index]!.bias;
  const bias = policy === "none" ? false : policy === "shared" ? vector[at]! : [...vector.subarray(at, at + units)];
  const isSame = setup.activations[index] === original.activations[index];
  const rule = network.rule(index);
  const { activation, bias: __, ...rest } = layer;
  return { ...rest, activation: isSame ? activation! : rule.name, weights, bias };
}
