/* The drawing of a network, built for one geometry: its elements, the texts that change, where each quantity stands. */

import { abridged, isolated, svg } from "./dom";
import { BOX, geometryOf, isCompactAt, labelPlace, type Box, type Column, type Fold, type Geometry, type Item } from "./geometry";
import type { Progress } from "./phases";
import { derivative, error, input, output, parameter, sum, target, TOTAL, updated, type Quantity } from "./quantity";
import type { Store } from "./store";

/** The greatest width of a character, and that in a name with a number. */
const [CHARACTER, MEAN] = [8.3, 7.8];

/** The width of the plate behind a label, from its number of characters. */
const plateWidth = (characters: number): number => characters * MEAN + 8;

/** The width of a name of that many letters with a number, old or new: "w5 → 0.45187". */
const labelWidth = (store: Store, letters: number): number => plateWidth(Math.min(16, letters) + 6 + store.shown.digits);

/** The characters that a number has room for. */
const charactersAt = (store: Store, level: number): number => (isCompactAt(level) ? 7 : Math.max(7, store.shown.digits + 3));

/** Where everything stands in a drawing of that level. */
export function geometryFor(store: Store, folds: Fold[], level: number): Geometry {
  const { network, names } = store;
  const characters = charactersAt(store, level);
  const lettersOf = (column: number, unit: number) => network.unitName(column - 1, unit).length;
  const lengths = folds.flatMap(({ from, count }, column) => [...Array(count).keys()].map((k) => Math.min(20, lettersOf(column, from + k))));
  const longest = Math.max(...folds.slice(1).map((_, layer) => network.parameterName(network.weight(layer, 0, 0)).length));
  const letters = (level ? names.words.target : names.text(target(0))).length + 3;
  const wide = {
    cell: characters * CHARACTER + (isCompactAt(level) ? 2 : 8), name: Math.max(...lengths) * CHARACTER, label: labelWidth(store, longest),
    target: (letters + Math.min(characters, 7)) * MEAN,
  };
  return geometryOf(network, folds, wide, level);
}

/** A text that follows the numbers of the cycle. */
export interface Live {
  element: Element;
  text(progress: Progress): string;
}

export interface Edge {
  line: SVGPathElement;
  index: number;
}

/** The actions of a person on the drawing. */
export interface Actions {
  select(quantity: Quantity): void;
  point(places: string[]): void;
  fold(column: number, way: "more" | "less"): void;
}

export class Drawing {
  readonly picture: SVGSVGElement;
  readonly geometry: Geometry;
  readonly live: Live[] = [];
  readonly edges: Edge[] = [];
  readonly places = new Map<string, Element[]>();

  constructor(
    private readonly store: Store,
    folds: Fold[],
    private readonly level: number,
    private readonly actions: Actions,
  ) {
    this.geometry = geometryFor(store, folds, level);
    const { width, height, columns } = this.geometry;
    const top = this.geometry.isStacked ? BOX + 26 : 44;
    const [lines, labels, boxes] = [svg("g", { class: "cp-lines" }), svg("g"), svg("g")];
    const taken: Box[] = columns.flatMap((column) => column.items.map((item) => ({ x: column.x, y: item.y - top, width: column.width, height: 2 * top - 8 })));
    columns.slice(1).forEach((column, k) => this.connect(columns[k]!, column, lines, labels, taken));
    columns.forEach((column) => this.column(column, boxes));
    this.errors(lines, boxes);
    this.picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "The network; its numbers also stand in the tables below", class: "cp-picture" }, lines, labels, boxes);
    this.stops.forEach((stop, k) => stop.setAttribute("tabindex", k ? "-1" : "0"));
  }

  /** The elements that the keyboard reaches, in the order of the drawing. */
  get stops(): SVGElement[] {
    return [...this.picture.querySelectorAll<SVGElement>("[data-select], .cp-fold")];
  }

  /** Make an element selectable by click, by key and by pointing. */
  private choice(quantity: Quantity, element: SVGElement, place: string): SVGElement {
    element.setAttribute("data-select", quantity.id);
    element.setAttribute("role", "button");
    element.addEventListener("focus", () => this.actions.point([place]));
    return this.answering(quantity, element, place);
  }

  /** Something that answers the pointer. */
  private answering(quantity: Quantity, element: SVGElement, place: string): SVGElement {
    element.addEventListener("click", () => this.actions.select(quantity));
    element.addEventListener("pointerenter", () => this.actions.point([place]));
    element.addEventListener("pointerleave", () => this.actions.point([]));
    this.placed(place, element);
    return element;
  }

  private placed(place: string, element: Element): void {
    this.places.set(place, [...(this.places.get(place) ?? []), element]);
  }

  private number(quantity: Quantity, x: number, y: number): SVGElement {
    const element = svg("text", { x, y, "text-anchor": "middle", class: "cp-number" });
    this.live.push({ element, text: (progress) => this.written(quantity, progress) });
    return element;
  }

  /** A number with the digits that there is room for. */
  private written(quantity: Quantity, progress: Progress, otherwise?: string): string {
    return this.store.written(quantity, progress, otherwise, charactersAt(this.store, this.level));
  }

  private column(column: Column, into: SVGElement): void {
    const { network } = this.store;
    const { x, width, layer } = column;
    const name = layer < 0 ? "inputs" : network.rule(layer).label;
    into.append(svg("text", { x: x + width / 2, y: 18, "text-anchor": "middle", class: "cp-caption" }, svg("title", {}, name), abridged(name, Math.max(12, Math.floor(width / CHARACTER)))));
    for (const item of column.items) into.append(item.kind === "unit" ? this.unit(column, item.unit, item.y) : this.fold(column, item));
  }

  private fold(column: Column, item: Item & { kind: "more" | "less" }): SVGElement {
    const { x, width } = column;
    const box = svg("g", { class: "cp-fold", role: "button", tabindex: "-1", "aria-label": `${item.words}: show ${item.kind === "more" ? "more" : "earlier or fewer"} units` },
      svg("rect", { x: x + width / 2 - 52, y: item.y - 15, width: 104, height: 30, rx: 15 }),
      svg("text", { x: x + width / 2, y: item.y + 4, "text-anchor": "middle" }, item.kind === "more" ? `⋮ ${item.words}` : item.words));
    box.addEventListener("click", () => this.actions.fold(column.layer + 1, item.kind));
    return box;
  }

  private unit(column: Column, unit: number, y: number): SVGElement {
    const { network, names } = this.store;
    const { x, width, layer } = column;
    const place = `u${layer}.${unit}`;
    const { isStacked, isCompact } = this.geometry;
    const isTall = isStacked && layer >= 0;
    const [middle, top, bottom] = [x + width / 2, y - (isTall ? BOX : BOX / 2), y + (isTall ? BOX : BOX / 2)];
    const group = svg("g", { class: layer < 0 ? "cp-unit cp-input" : "cp-unit" });
    const name = network.unitName(layer, unit);
    const room = width + (isCompact ? 32 : 0);
    const title = svg("text", { x: middle, y: top - 8, "text-anchor": "middle", class: "cp-name" }, svg("title", {}, name), abridged(name, Math.floor(room / CHARACTER)));
    group.append(this.answering(output(layer, unit), title, place));
    const cell = (quantity: Quantity, left: number, above: number, wide: number, kind: string) => {
      const box = svg("rect", { x: left, y: above, width: wide, height: BOX, rx: 7 });
      return this.choice(quantity, svg("g", { class: `cp-cell ${kind}` }, box, this.number(quantity, left + wide / 2, above + BOX / 2 + 5)), place);
    };
    if (layer < 0) group.append(cell(input(unit), x, top, width, "cp-given"));
    else {
      const [left, above, wide] = isStacked ? [x, y, width] : [middle, top, width / 2];
      group.append(cell(sum(layer, unit), x, top, wide, "cp-sum"), cell(output(layer, unit), left, above, wide, "cp-output"));
      const hasBias = network.layers[layer]!.bias === "unit";
      if (hasBias) group.append(this.bias(layer, unit, middle, bottom + 15));
      group.append(this.signal(layer, unit, middle, bottom + (hasBias ? 31 : 16)));
    }
    group.append(svg("title", {}, layer < 0 ? name : `${names.text(sum(layer, unit))}, ${names.text(output(layer, unit))}`));
    return group;
  }

  private bias(layer: number, unit: number, x: number, y: number): SVGElement {
    const index = this.store.network.bias(layer, unit)!;
    return this.choice(parameter(index), svg("g", { class: "cp-label cp-bias" }, this.weightText(index, x, y)), `p${index}`);
  }

  /** The error signal under a unit, once the backward pass has reached it. */
  private signal(layer: number, unit: number, x: number, y: number): SVGElement {
    const quantity = derivative(TOTAL, sum(layer, unit));
    const text = svg("text", { x, y, "text-anchor": "middle", class: "cp-signal" });
    const called = this.store.names.words.signal || "δ";
    this.live.push({ element: text, text: (progress) => this.written(quantity, progress, "").replace(/^(?=.)/, `${called} `) });
    return this.choice(quantity, svg("g", { class: "cp-signals" }, text), `u${layer}.${unit}`);
  }

  // --- weights and errors -----------------------------------------------------------------

  private connect(from: Column, to: Column, lines: SVGElement, labels: SVGElement, taken: Box[]): void {
    const { network } = this.store;
    const layer = to.layer;
    for (const item of to.items) {
      if (item.kind !== "unit") continue;
      for (const source of from.items) {
        if (source.kind !== "unit") continue;
        const index = network.weight(layer, item.unit, source.unit);
        const [start, end]: [[number, number], [number, number]] = [[from.x + from.width, source.y], [to.x, item.y]];
        const d = `M${start[0]} ${start[1]}L${end[0]} ${end[1]}`;
        const line = svg("path", { d, class: "cp-edge" });
        this.edges.push({ line, index });
        const hit = this.choice(parameter(index), svg("g", { class: "cp-weight" }, svg("path", { d, class: "cp-hit" }), line), `p${index}`);
        lines.append(hit);
        if (this.geometry.isLabelled) {
          const width = labelWidth(this.store, network.parameterName(index).length);
          const at = labelPlace(start, end, width, taken, 1 / (to.items.length + 1));
          if (at) labels.append(this.label(index, at[0], at[1] + 4, width));
        }
      }
    }
    if (network.layers[layer]!.bias === "shared") this.sharedBias(from, to, lines, labels, taken);
  }

  private label(index: number, x: number, y: number, width: number): SVGElement {
    const group = svg("g", { class: "cp-label", "aria-hidden": "true" }, svg("rect", { x: x - width / 2, y: y - 14, width, height: 20, rx: 6 }));
    group.append(this.weightText(index, x, y, group.firstElementChild!));
    return this.answering(parameter(index), group, `p${index}`);
  }

  /** A weight's name and number; the box behind it fits what is written. */
  private weightText(index: number, x: number, y: number, box: Element | null = null): SVGElement {
    const text = svg("text", { x, y, "text-anchor": "middle", class: "cp-number" });
    const { network } = this.store;
    const name = this.geometry.isCompact && network.place(index).source === null ? "b" : isolated(abridged(network.parameterName(index), 16));
    this.live.push({
      element: text,
      text: (progress) => {
        const words = `${name}${progress.hasUpdate ? " → " : " = "}${this.written(progress.hasUpdate ? updated(parameter(index)) : parameter(index), progress)}`;
        if (box) {
          const width = plateWidth(words.length);
          box.setAttribute("width", width.toFixed(1));
          box.setAttribute("x", (x - width / 2).toFixed(1));
        }
        return words;
      },
    });
    return text;
  }

  private sharedBias(from: Column, to: Column, lines: SVGElement, labels: SVGElement, taken: Box[]): void {
    const index = this.store.network.bias(to.layer, 0)!;
    const width = labelWidth(this.store, this.store.network.parameterName(index).length) + 14;
    const lowest = Math.max(...[...from.items, ...to.items].map((item) => item.y));
    const [x, y] = [(from.x + from.width + to.x) / 2, lowest + (this.geometry.isStacked ? 74 : 66)];
    for (const item of to.items) {
      if (item.kind !== "unit") continue;
      const d = `M${x} ${y - 15}L${to.x} ${item.y + 8}`;
      const line = svg("path", { d, class: "cp-edge cp-shared" });
      this.edges.push({ line, index });
      this.placed(`p${index}`, line);
      lines.append(line);
    }
    const box = svg("rect", { x: x - width / 2, y: y - 15, width, height: 30, rx: 15 });
    taken.push({ x: x - width / 2, y: y - 15, width, height: 30 });
    labels.append(this.choice(parameter(index), svg("g", { class: "cp-label cp-box" }, box, this.weightText(index, x, y + 4, box)), `p${index}`));
  }

  private errors(lines: SVGElement, boxes: SVGElement): void {
    const { store, geometry } = this;
    const { names } = store;
    const { errors, total, columns } = geometry;
    const last = columns[columns.length - 1]!;
    for (const item of last.items) {
      if (item.kind !== "unit") continue;
      const k = item.unit;
      lines.append(svg("path", { d: `M${last.x + last.width} ${item.y}H${errors.x}`, class: "cp-flow" }));
      const [x, y] = [errors.x + errors.width, total.x === errors.x ? geometry.width - (geometry.isCompact ? 5 : 8) : 0];
      lines.append(svg("path", { d: y ? `M${x} ${item.y}H${y}V${total.y}H${x}` : `M${x} ${item.y}L${total.x} ${total.y}`, class: "cp-flow" }));
      boxes.append(this.errorBox(error(k), errors.x, item.y, errors.width, `e${k}`));
      const text = svg("text", { x: errors.x + errors.width / 2, y: item.y + 37, "text-anchor": "middle", class: "cp-number" });
      this.live.push({ element: text, text: (progress) => `${this.level ? names.words.target : names.text(target(k))} = ${this.written(target(k), progress)}` });
      boxes.append(this.choice(target(k), svg("g", { class: "cp-label cp-target" }, text), `t${k}`));
    }
    boxes.append(this.errorBox(TOTAL, total.x, total.y, total.width, "total"));
  }

  private errorBox(quantity: Quantity, x: number, y: number, width: number, place: string): SVGElement {
    const name = this.store.names.text(quantity);
    const number = this.number(quantity, x + width / 2, y + 5);
    const box = svg("rect", { x, y: y - BOX / 2, width, height: BOX, rx: 7 });
    const caption = svg("text", { x: x + width / 2, y: y - BOX / 2 - 8, "text-anchor": "middle", class: "cp-name" }, name);
    return svg("g", { class: "cp-unit cp-error" }, this.answering(quantity, caption, place), this.choice(quantity, svg("g", { class: "cp-cell" }, box, number), place));
  }
}
