/* For two inputs: the output of the network over a plane, and the examples on it. */

import { forward, type Rows } from "./propagate";
import { h, say, svg } from "./dom";
import type { Store } from "./store";

const GRID = 56;
const SIZE = 336;
/** Neither blue nor orange: those are the signs of weights. */
const COLOURS = [[27, 125, 90], [176, 42, 122], [176, 137, 0], [88, 100, 112], [60, 160, 170], [122, 72, 38]];
const [LOW, HIGH] = [[176, 42, 122], [27, 125, 90]];

interface Range {
  low: number;
  high: number;
}

function rangeOf(values: number[]): Range {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = Math.max(0.5, (high - low) * 0.25);
  return { low: low - margin, high: high + margin };
}

export class Surface {
  readonly element: HTMLElement;
  private readonly canvas = h("canvas", { width: SIZE, height: SIZE, role: "img" });
  private readonly choice = h("select", { "aria-label": "Output to colour by" });
  private readonly caption = h("p", { class: "cp-figures" });
  private readonly key = h("p", { class: "cp-key" });
  private readonly small: HTMLCanvasElement;

  constructor(private readonly store: Store) {
    const { network } = store;
    const names = [...Array(network.outputs).keys()].map((unit) => network.unitName(network.last, unit));
    if (network.outputs > 1) this.choice.append(h("option", { value: -1 }, "the largest output"));
    names.forEach((name, k) => this.choice.append(h("option", { value: k }, name)));
    // The largest output is meaningful where outputs are probabilities.
    this.choice.value = network.outputs > 1 && network.rule(network.last).kind === "softmax" ? "-1" : "0";
    this.choice.addEventListener("change", () => this.update());
    this.small = h("canvas", { width: GRID, height: GRID });
    const [across, up] = [network.inputName(0), network.inputName(1)];
    this.element = h("section", { class: "cp-card" }, h("h2", {}, "Decision surface"),
      h("label", { class: "cp-inline" }, "Coloured by ", this.choice),
      h("div", { class: "cp-surface" }, h("span", { class: "cp-up" }, up), this.canvas, h("span", { class: "cp-across" }, across)), this.key, this.caption);
  }

  update(): void {
    const { network, setup, current } = this.store;
    const { examples } = setup;
    const [xs, ys] = [0, 1].map((i) => [...examples.numbers.keys()].map((row) => examples.inputs[2 * row + i]!)) as [number[], number[]];
    const [across, up] = [rangeOf(xs), rangeOf(ys)];
    const inputs = new Float64Array(2 * GRID * GRID);
    for (let j = 0, k = 0; j < GRID; j++)
      for (let i = 0; i < GRID; i++) {
        inputs[k++] = across.low + ((i + 0.5) / GRID) * (across.high - across.low);
        inputs[k++] = up.high - ((j + 0.5) / GRID) * (up.high - up.low);
      }
    const rows: Rows = { count: GRID * GRID, inputs, targets: new Float64Array(0), weights: null, numbers: [] };
    const outputs = forward(network, current.moment.vector, rows, []).outputs[network.last]!;
    const chosen = Number(this.choice.value);
    this.paint(outputs, network.outputs, chosen);
    this.points(xs, ys, across, up, chosen);
    this.describe(across, up, outputs, chosen);
  }

  private paint(outputs: Float64Array, K: number, chosen: number): void {
    const image = new ImageData(GRID, GRID);
    const { low, high } = this.span(outputs, K, chosen);
    for (let at = 0; at < GRID * GRID; at++) {
      const own = outputs.subarray(at * K, at * K + K);
      let colour: number[];
      if (chosen < 0) colour = faded(COLOURS[own.indexOf(own.reduce((a, b) => Math.max(a, b))) % COLOURS.length]!, 0.55);
      else {
        const share = (own[chosen]! - low) / (high - low || 1);
        colour = share < 0.5 ? faded(LOW, 1 - 2 * share) : faded(HIGH, 2 * share - 1);
      }
      image.data.set([...colour, 255], 4 * at);
    }
    this.small.getContext("2d")!.putImageData(image, 0, 0);
    const context = this.canvas.getContext("2d")!;
    context.imageSmoothingEnabled = chosen >= 0;
    context.drawImage(this.small, 0, 0, SIZE, SIZE);
  }

  /** The values of the darkest colours: the rule's bounds, or the range of the outputs. */
  private span(outputs: Float64Array, K: number, chosen: number): Range {
    const bounds = this.store.network.rule(this.store.network.last).bounds;
    if (bounds && bounds[0] !== null && bounds[1] !== null) return { low: bounds[0], high: bounds[1] };
    let [low, high] = [Infinity, -Infinity];
    for (let at = Math.max(0, chosen); at < outputs.length; at += K) [low, high] = [Math.min(low, outputs[at]!), Math.max(high, outputs[at]!)];
    return { low, high };
  }

  private points(xs: number[], ys: number[], across: Range, up: Range, chosen: number): void {
    const { examples, row } = this.store.setup;
    const K = this.store.network.outputs;
    const context = this.canvas.getContext("2d")!;
    xs.forEach((x, k) => {
      const own = [...examples.targets.subarray(k * K, k * K + K)];
      const most = own.indexOf(Math.max(...own));
      const middle = (Math.max(...examples.targets) + Math.min(...examples.targets)) / 2;
      const fill = chosen < 0 ? COLOURS[most % COLOURS.length]! : own[chosen]! > middle ? HIGH : LOW;
      context.beginPath();
      context.arc(((x - across.low) / (across.high - across.low)) * SIZE, ((up.high - ys[k]!) / (up.high - up.low)) * SIZE, k === row ? 8 : 5.5, 0, 7);
      context.fillStyle = `rgb(${fill.join(" ")})`;
      context.fill();
      context.lineWidth = k === row ? 3.5 : 2;
      context.strokeStyle = "#fff";
      context.stroke();
    });
  }

  private describe(across: Range, up: Range, outputs: Float64Array, chosen: number): void {
    const { network, view } = this.store;
    const round = (value: number) => Number(value.toPrecision(3));
    const span = this.span(outputs, network.outputs, chosen);
    const entries: [number[], string][] = chosen < 0
      ? [...Array(Math.min(network.outputs, COLOURS.length)).keys()].map((k) => [COLOURS[k]!, network.unitName(network.last, k)])
      : [[LOW, view.number(span.low)], [[255, 255, 255], view.number((span.low + span.high) / 2)], [HIGH, view.number(span.high)]];
    this.key.replaceChildren(...entries.map(([colour, name]) => h("span", {}, swatch(colour), name)));
    const words = `${network.inputName(0)} from ${round(across.low)} to ${round(across.high)}, ${network.inputName(1)} from ${round(up.low)} to ${round(up.high)}. The points are the examples, coloured by their targets.`;
    say(this.caption, words);
    this.canvas.setAttribute("aria-label", `Decision surface: ${words}`);
  }
}

function swatch(colour: number[]): SVGElement {
  return svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, svg("rect", { x: 1, y: 1, width: 12, height: 12, rx: 3, fill: `rgb(${colour.join(" ")})`, class: "cp-swatch" }));
}

function faded(colour: number[], strength: number): number[] {
  return colour.map((part) => Math.round(255 + strength * (part - 255)));
}
