/* The network, drawn. Built anew where its shape changes; else only its numbers and colours are. */

import { valueOf } from "./cycle";
import type { Cycle } from "./cycle";
import { abridged, focusedBeside, h, say, svg } from "./dom";
import { BOX, foldOf, geometryOf, labelPlace, turned } from "./geometry";
import type { Box, Column, Fold, Geometry, Item } from "./geometry";
import { pannable } from "./pan";
import { pathFrom, placesOf } from "./highlight";
import { Progress } from "./phases";
import { spoken } from "./aria";
import { input, output, parameter, target, error, sum, TOTAL, derivative } from "./quantity";
import type { Quantity } from "./quantity";
import type { Store } from "./store";

/** About how wide a character is, at most, at the size of the numbers. */
const CHARACTER = 8.3;

/** A diagram that would have to be smaller than this to be seen whole is shown readable, and scrolls. */
const [SMALLEST, READABLE] = [0.64, 0.72];

/** What a label of so many characters stands on. */
const plateWidth = (characters: number): number => characters * 7.8 + 10;

interface Live {
  element: Element;
  /** What it says now, in the progress of the cycle. */
  text(done: Cycle, progress: Progress): string;
}

interface Edge {
  line: SVGPathElement;
  index: number;
}

export class Diagram {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly folds: Fold[];
  private picture: SVGSVGElement = svg("svg");
  private live: Live[] = [];
  private edges: Edge[] = [];
  private places = new Map<string, Element[]>();
  private geometry!: Geometry;
  private key = "";
  private zoom = 1;
  private room = 0;

  constructor(
    private readonly store: Store,
    private readonly select: (quantity: Quantity) => void,
    private readonly point: (places: string[]) => void,
  ) {
    this.folds = store.network.sizes.map(foldOf);
    this.scroller = h("div", { class: "cp-scroller", role: "region", "aria-label": "Diagram", tabindex: "-1" });
    const zoomBy = (factor: number) => () => ((this.zoom = Math.min(4, Math.max(0.3, this.zoom * factor))), this.resize());
    const button = (words: string, sign: string, act: () => void) =>
      h("button", { type: "button", class: "cp-small", "aria-label": words, title: words, click: act }, sign);
    const tools = h("div", { class: "cp-zoom" }, button("Smaller", "−", zoomBy(1 / 1.25)), button("Larger", "+", zoomBy(1.25)));
    this.element = h("div", { class: "cp-diagram" }, this.scroller, tools);
    pannable(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.keyed(event));
    // Its width is told, not asked for: asking lays out a page that is still being made.
    new ResizeObserver(([told]) => ((this.room = told!.contentRect.width), this.resize())).observe(this.scroller);
  }

  // --- events -----------------------------------------------------------------------------

  /** One stop for the Tab key; the arrows go on from there. */
  private keyed(event: KeyboardEvent): void {
    const stops = [...this.picture.querySelectorAll<SVGElement>("[data-select], .cp-fold")];
    const at = stops.indexOf(focusedBeside(this.picture) as SVGElement);
    if (at < 0) return;
    if (event.key === "Enter" || event.key === " ") (stops[at] as SVGElement).dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (to === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const next = to === undefined ? undefined : stops[Math.max(0, Math.min(stops.length - 1, to))];
    if (!next) return;
    stops.forEach((stop) => stop.setAttribute("tabindex", stop === next ? "0" : "-1"));
    next.focus();
  }

  // --- building ---------------------------------------------------------------------------

  /** What the drawing depends on besides its numbers. */
  private keyNow(): string {
    const { shown, network, data } = this.store;
    return JSON.stringify([this.folds, shown, network.activations, data.penalty !== null, this.store.setup.isOwn]);
  }

  update(): void {
    const key = this.keyNow();
    if (key !== this.key) {
      this.key = key;
      this.build();
    }
    this.refresh();
  }

  private build(): void {
    const { store, folds } = this;
    const isTight = (layer: number, unit: number) => store.names.text(sum(layer, unit)).length;
    const digits = Math.max(7, store.shown.digits + 3);
    const names = folds.flatMap((fold, column) =>
      [...Array(fold.count).keys()].map((k) => Math.min(20, column ? isTight(column - 1, fold.from + k) : store.network.inputName(fold.from + k).length)));
    const longest = Math.max(...folds.slice(1).map((_, layer) => store.network.parameterName(store.network.weight(layer, 0, 0)).length));
    const wide = { cell: digits * CHARACTER + 12, name: Math.max(...names) * CHARACTER, label: this.labelWidth(longest) };
    this.geometry = geometryOf(store.network, folds, wide);
    const { width, height, columns } = this.geometry;
    [this.live, this.edges, this.places] = [[], [], new Map()];
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "The network; its numbers also stand in the tables below", class: "cp-picture" });
    const [lines, labels, boxes] = [svg("g", { class: "cp-lines" }), svg("g"), svg("g")];
    const taken: Box[] = columns.flatMap((column) => column.items.map((item) => ({ x: column.x, y: item.y - 44, width: column.width, height: 80 })));
    columns.slice(1).forEach((column, k) => this.connect(columns[k]!, column, lines, labels, taken));
    columns.forEach((column) => this.column(column, boxes));
    this.errors(lines, boxes);
    picture.append(lines, labels, boxes);
    const focused = focusedBeside(this.picture);
    const hadFocus = this.picture.contains(focused) ? focused?.getAttribute("data-select") : null;
    this.scroller.replaceChildren(picture);
    this.picture = picture;
    const stops = [...picture.querySelectorAll<SVGElement>("[data-select], .cp-fold")];
    stops.forEach((stop, k) => stop.setAttribute("tabindex", k ? "-1" : "0"));
    if (hadFocus) picture.querySelector<SVGElement>(`[data-select="${CSS.escape(hadFocus)}"]`)?.focus();
    this.resize();
  }

  private resize(): void {
    const { width, height } = this.geometry;
    const whole = (this.room - 2) / width;
    const fit = Math.min(1.35, whole < SMALLEST ? READABLE : whole);
    this.picture.setAttribute("width", String(width * fit * this.zoom));
    this.picture.setAttribute("height", String(height * fit * this.zoom));
  }

  /** Something that can be chosen: by click, by key, and pointed at. */
  private choice(quantity: Quantity, element: SVGElement, place: string): SVGElement {
    element.setAttribute("data-select", quantity.id);
    element.setAttribute("role", "button");
    element.addEventListener("click", () => this.select(quantity));
    element.addEventListener("pointerenter", () => this.point([place]));
    element.addEventListener("pointerleave", () => this.point([]));
    element.addEventListener("focus", () => this.point([place]));
    this.placed(place, element);
    this.live.push({ element, text: () => "" });
    return element;
  }

  private placed(place: string, element: Element): void {
    this.places.set(place, [...(this.places.get(place) ?? []), element]);
  }

  private number(quantity: Quantity, x: number, y: number, isThere: (progress: Progress) => boolean, room: number): SVGElement {
    const element = svg("text", { x, y, "text-anchor": "middle", class: "cp-number", "data-room": room });
    const value = (done: Cycle) => valueOf(done, quantity, this.store.rowShown);
    this.live.push({ element, text: (done, progress) => (isThere(progress) ? this.store.view.number(value(done)) : "·") });
    return element;
  }

  private column(column: Column, into: SVGElement): void {
    const { network } = this.store;
    const { x, width, layer } = column;
    const name = layer < 0 ? "inputs" : network.rule(layer).label;
    into.append(svg("text", { x: x + width / 2, y: 18, "text-anchor": "middle", class: "cp-caption" }, svg("title", {}, name), abridged(name, Math.max(12, Math.floor(width / 6.6)))));
    for (const item of column.items) into.append(item.kind === "unit" ? this.unit(column, item.unit, item.y) : this.fold(column, item));
  }

  private fold(column: Column, item: Item & { kind: "more" | "less" }): SVGElement {
    const { x, width } = column;
    const index = column.layer + 1;
    const box = svg("g", { class: "cp-fold", role: "button", tabindex: "-1", "aria-label": `${item.words}: show ${item.kind === "more" ? "more" : "fewer or earlier"} units` },
      svg("rect", { x: x + width / 2 - 56, y: item.y - 15, width: 112, height: 30, rx: 15 }),
      svg("text", { x: x + width / 2, y: item.y + 4, "text-anchor": "middle" }, item.kind === "more" ? `⋮ ${item.words}` : item.words));
    box.addEventListener("click", () => {
      this.folds[index] = turned(this.folds[index]!, this.store.network.sizes[index]!, item.kind);
      this.store.changed();
    });
    return box;
  }

  private unit(column: Column, unit: number, y: number): SVGElement {
    const { network, names } = this.store;
    const { x, width, layer } = column;
    const place = `u${layer}.${unit}`;
    const top = y - BOX / 2;
    const group = svg("g", { class: layer < 0 ? "cp-unit cp-input" : "cp-unit" });
    const name = network.unitName(layer, unit);
    group.append(svg("text", { x: x + width / 2, y: top - 8, "text-anchor": "middle", class: "cp-name" }, svg("title", {}, name), abridged(name, Math.floor(width / CHARACTER))));
    const cell = (quantity: Quantity, left: number, wide: number, kind: string) => {
      const hasValue = (progress: Progress) => progress.hasUnit(layer, unit);
      const box = svg("rect", { x: left, y: top, width: wide, height: BOX, rx: 7 });
      return this.choice(quantity, svg("g", { class: `cp-cell ${kind}` }, box, this.number(quantity, left + wide / 2, y + 5, hasValue, wide - 8)), place);
    };
    if (layer < 0) group.append(cell(input(unit), x, width, "cp-given"));
    else {
      group.append(cell(sum(layer, unit), x, width / 2, "cp-sum"), cell(output(layer, unit), x + width / 2, width / 2, "cp-output"));
      if (network.layers[layer]!.bias === "unit") group.append(this.bias(layer, unit, x + width / 2, top + BOX + 15));
      group.append(this.signal(layer, unit, x + width / 2, top + BOX + (network.layers[layer]!.bias === "unit" ? 31 : 16)));
    }
    group.append(svg("title", {}, layer < 0 ? name : `${names.text(sum(layer, unit))}, ${names.text(output(layer, unit))}`));
    return group;
  }

  private bias(layer: number, unit: number, x: number, y: number): SVGElement {
    const index = this.store.network.bias(layer, unit)!;
    return this.weightLabel(index, x, y, "cp-bias");
  }

  /** The error signal under a unit, once the backward pass has come so far. */
  private signal(layer: number, unit: number, x: number, y: number): SVGElement {
    const quantity = derivative(TOTAL, sum(layer, unit));
    const text = svg("text", { x, y, "text-anchor": "middle", class: "cp-signal" });
    this.live.push({
      element: text,
      text: (done, progress) => (progress.hasSignal(layer) ? `δ ${this.store.view.number(valueOf(done, quantity, this.store.rowShown))}` : ""),
    });
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
          const width = this.labelWidth(network.parameterName(index).length);
          const at = labelPlace(start, end, width, taken);
          if (at) labels.append(this.label(index, at[0], at[1] + 4, width));
        }
      }
    }
    if (network.layers[layer]!.bias === "shared") this.sharedBias(from, to, lines, labels, taken);
  }

  /** Of a name of so many letters with its number, which may be new: "w5 → 0.45187". */
  private labelWidth(letters: number): number {
    return plateWidth(Math.min(16, letters) + 5 + this.store.shown.digits);
  }

  private label(index: number, x: number, y: number, width: number): SVGElement {
    const group = svg("g", { class: "cp-label", "aria-hidden": "true" }, svg("rect", { x: x - width / 2, y: y - 14, width, height: 20, rx: 6 }));
    group.append(this.weightText(index, x, y, group.firstElementChild!));
    group.addEventListener("click", () => this.select(parameter(index)));
    group.addEventListener("pointerenter", () => this.point([`p${index}`]));
    group.addEventListener("pointerleave", () => this.point([]));
    this.placed(`p${index}`, group);
    return group;
  }

  /** A weight's name and number; the box behind it fits what is written. */
  private weightText(index: number, x: number, y: number, box: Element | null = null): SVGElement {
    const text = svg("text", { x, y, "text-anchor": "middle", class: "cp-number" });
    const name = abridged(this.store.network.parameterName(index), 16);
    this.live.push({
      element: text,
      text: (done, progress) => {
        const vector = progress.hasUpdate ? done.update.vector : done.moment.vector;
        const words = `${name}${progress.hasUpdate ? " → " : " = "}${this.store.view.number(vector[index]!)}`;
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

  private weightLabel(index: number, x: number, y: number, kind: string): SVGElement {
    return this.choice(parameter(index), svg("g", { class: `cp-label ${kind}` }, this.weightText(index, x, y)), `p${index}`);
  }

  private sharedBias(from: Column, to: Column, lines: SVGElement, labels: SVGElement, taken: Box[]): void {
    const index = this.store.network.bias(to.layer, 0)!;
    const width = this.labelWidth(this.store.network.parameterName(index).length) + 14;
    const lowest = Math.max(...[...from.items, ...to.items].map((item) => item.y));
    const [x, y] = [(from.x + from.width + to.x) / 2, Math.min(lowest + 66, this.geometry.height - 20)];
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
      lines.append(svg("path", { d: `M${errors.x + errors.width} ${item.y}L${total.x} ${total.y}`, class: "cp-flow" }));
      boxes.append(this.errorBox(error(k), errors.x, item.y, errors.width, `e${k}`));
      const text = svg("text", { x: errors.x + errors.width / 2, y: item.y + 37, "text-anchor": "middle", class: "cp-number" });
      this.live.push({ element: text, text: (done) => `${names.text(target(k))} = ${store.view.number(valueOf(done, target(k), store.rowShown))}` });
      boxes.append(this.choice(target(k), svg("g", { class: "cp-label cp-target" }, text), `t${k}`));
    }
    boxes.append(this.errorBox(TOTAL, total.x, total.y, total.width, "total"));
  }

  private errorBox(quantity: Quantity, x: number, y: number, width: number, place: string): SVGElement {
    const name = this.store.names.text(quantity);
    const number = this.number(quantity, x + width / 2, y + 5, (progress) => progress.hasError, width - 8);
    const box = svg("rect", { x, y: y - BOX / 2, width, height: BOX, rx: 7 });
    const caption = svg("text", { x: x + width / 2, y: y - BOX / 2 - 8, "text-anchor": "middle", class: "cp-name" }, name);
    return svg("g", { class: "cp-unit cp-error" }, caption, this.choice(quantity, svg("g", { class: "cp-cell" }, box, number), place));
  }

  // --- refreshing -------------------------------------------------------------------------

  private refresh(): void {
    const { store } = this;
    const done = store.current;
    const progress = new Progress(store.phases, store.position);
    for (const { element, text } of this.live) {
      if (!element.hasAttribute("data-select")) this.write(element, text(done, progress));
    }
    // What is read aloud begins with what is written there.
    for (const element of this.picture.querySelectorAll("[data-select]")) {
      const [written, aloud] = [element.textContent ?? "", spoken(store, element.getAttribute("data-select")!, progress)];
      element.setAttribute("aria-label", written && !aloud.includes(written) ? `${written}, ${aloud}` : aloud);
    }
    const vector = progress.hasUpdate ? done.update.vector : done.moment.vector;
    const largest = this.edges.reduce((most, { index }) => Math.max(most, Math.abs(vector[index]!)), 1e-300);
    for (const { line, index } of this.edges) {
      const w = vector[index]!;
      line.setAttribute("stroke-width", (0.8 + 4.2 * Math.min(1, Math.abs(w) / largest)).toFixed(2));
      line.classList.toggle("cp-negative", w < 0);
    }
    this.lightPath();
  }

  /** Write a number; one with many digits gets smaller ones, so that it stays in its cell. */
  private write(element: Element, text: string): void {
    say(element, text);
    const room = element.getAttribute("data-room");
    if (room) element.setAttribute("font-size", String(Math.min(13, (13 * Number(room)) / Math.max(1, text.length * CHARACTER)).toFixed(2)));
  }

  private lightPath(): void {
    const { store } = this;
    const isOnPath = pathFrom(store.selected, store.network);
    const own = placesOf(store.selected, store.network);
    for (const [place, elements] of this.places)
      for (const element of elements) {
        element.classList.toggle("cp-lit", isOnPath(place));
        element.classList.toggle("cp-chosen", own.includes(place) && (!element.hasAttribute("data-select") || element.getAttribute("data-select") === store.selected.id || element.classList.contains("cp-weight")));
        if (element.hasAttribute("data-select")) element.setAttribute("aria-pressed", String(element.getAttribute("data-select") === store.selected.id));
      }
  }

  /** Light up places that are pointed at elsewhere. */
  light(places: string[]): void {
    for (const element of this.picture.querySelectorAll(".cp-pointed")) element.classList.remove("cp-pointed");
    for (const place of places) for (const element of this.places.get(place) ?? []) element.classList.add("cp-pointed");
  }

  /** Mark what the last step has computed. */
  mark(places: string[]): void {
    for (const place of places) for (const element of this.places.get(place) ?? []) element.classList.add("cp-just");
  }

  /** The drawing by itself, with its style, as a file. */
  file(style: string): string {
    const copy = this.picture.cloneNode(true) as SVGSVGElement;
    const { width, height } = this.geometry;
    copy.setAttribute("width", String(width));
    copy.setAttribute("height", String(height));
    copy.setAttribute("class", "cp-picture cp-explorer");
    copy.prepend(svg("style", {}, style));
    for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
    return new XMLSerializer().serializeToString(copy);
  }
}
