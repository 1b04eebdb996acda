/* A network as it stands in the page: its shape, its names, where each parameter is in the flat vector. */

import type { Activation, Data, Fused, Layer, Loss, Notation } from "./data";
import type { Quantity } from "./quantity";

export interface Place {
  layer: number;
  unit: number;
  source: number | null; // null for a bias; a shared bias has unit 0
}

export class Network {
  readonly layers: Layer[];
  readonly depth: number;
  readonly last: number;
  /** The number of inputs, then of the units of each layer. */
  readonly sizes: number[];
  readonly outputs: number;
  readonly weightStart: number[] = [];
  readonly biasStart: number[] = [];
  /** The number of parameters. */
  readonly size: number;
  readonly loss: Loss;

  constructor(
    readonly data: Data,
    readonly activations: number[],
    readonly lossIndex: number,
  ) {
    const { inputs, layers } = data.network;
    [this.layers, this.depth, this.last] = [layers, layers.length, layers.length - 1];
    this.sizes = [inputs.size, ...layers.map((layer) => layer.size)];
    this.outputs = layers[this.last]!.size;
    this.loss = data.losses[lossIndex]!;
    let at = 0;
    layers.forEach((layer, index) => {
      this.weightStart.push(at);
      this.biasStart.push((at += layer.size * this.sizes[index]!));
      at += this.biases(index);
    });
    this.size = at;
  }

  static of(data: Data): Network {
    return new Network(data, data.network.layers.map((layer) => layer.activation), data.network.loss);
  }

  /** The loss and the output activation as one function, where they are a known pair. */
  get fused(): Fused | null {
    return this.loss.fused[this.rule(this.last).name] ?? null;
  }

  rule(layer: number): Activation {
    return this.data.activations[this.activations[layer]!]!;
  }

  biases(layer: number): number {
    const { bias, size } = this.layers[layer]!;
    return bias === "unit" ? size : bias === "shared" ? 1 : 0;
  }

  // --- places ---------------------------------------------------------------------------

  weight(layer: number, unit: number, source: number): number {
    return this.weightStart[layer]! + unit * this.sizes[layer]! + source;
  }

  /** The position of a unit's bias, its own or the layer's, or null where there is none. */
  bias(layer: number, unit: number): number | null {
    const policy = this.layers[layer]!.bias;
    return policy === "none" ? null : this.biasStart[layer]! + (policy === "shared" ? 0 : unit);
  }

  place(index: number): Place {
    for (let layer = 0; layer < this.depth; layer++) {
      const [weights, biases] = [this.weightStart[layer]!, this.biasStart[layer]!];
      const inputs = this.sizes[layer]!;
      if (index < biases) {
        const offset = index - weights;
        return { layer, unit: Math.floor(offset / inputs), source: offset % inputs };
      }
      if (index < biases + this.biases(layer)) return { layer, unit: index - biases, source: null };
    }
    throw new RangeError(`no parameter ${index}`);
  }

  isShared(index: number): boolean {
    const { layer, source } = this.place(index);
    return source === null && this.layers[layer]!.bias === "shared";
  }

  isTrained(index: number): boolean {
    const { layer, source } = this.place(index);
    return source !== null || this.layers[layer]!.train_bias;
  }

  // --- names ----------------------------------------------------------------------------

  names(notation: string): Names {
    return new Names(this, this.data.notations[notation]!);
  }

  inputName(index: number): string {
    return this.data.network.inputs.names[index]!;
  }

  unitName(layer: number, unit: number): string {
    return layer < 0 ? this.inputName(unit) : this.layers[layer]!.names[unit]!;
  }

  parameterName(index: number): string {
    const { layer, unit, source } = this.place(index);
    const { weight_names, weights_before, bias_names } = this.layers[layer]!;
    if (source === null) return bias_names[unit]!;
    return weight_names ? weight_names[unit]![source]! : `${this.data.weight}${weights_before + unit * this.sizes[layer]! + source + 1}`;
  }
}

/** The name of each quantity, in one of the notations. */
export class Names {
  constructor(
    readonly network: Network,
    readonly words: Notation,
  ) {}

  /** Whether it is an error signal, in a notation that has a word for it. */
  isSignal(quantity: Quantity): boolean {
    return this.words.signal !== "" && quantity.kind === "derivative" && quantity.of.kind === "total" && quantity.by.kind === "sum";
  }

  text(quantity: Quantity): string {
    const { words, network } = this;
    const { layer, unit } = quantity;
    switch (quantity.kind) {
      case "target":
        return `${words.target}_${unit + 1}`;
      case "sum":
        return `${words.sum}_${network.unitName(layer, unit)}`;
      case "output":
        return layer < 0 ? network.inputName(unit) : `${words.output}_${network.unitName(layer, unit)}`;
      case "error":
        return `${words.error}_${unit + 1}`;
      case "total":
        return words.total_error;
      case "penalty":
        return "penalty";
      case "unpenalized":
        return `(${words.total_error} - penalty)`;
      case "parameter":
        return network.parameterName(unit);
      case "updated":
        return words.new_prefix + this.text(quantity.of) + words.new_suffix;
      case "rate":
        return words.learning_rate;
      case "state":
        return `${network.data.state_words[quantity.name] ?? quantity.name}_${network.parameterName(unit)}`;
      case "named":
        return Object.hasOwn(network.data.called, quantity.name) ? network.data.called[quantity.name]! : quantity.name;
      case "derivative":
        if (this.isSignal(quantity)) return `${words.signal}_${network.unitName(quantity.by.layer, quantity.by.unit)}`;
        return `∂${this.text(quantity.of)}/∂${this.text(quantity.by)}`;
    }
  }
}
