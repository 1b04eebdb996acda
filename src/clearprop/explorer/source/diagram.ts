/* The diagram: it follows the numbers of the cycle, and answers the keyboard, zooming, and what is pointed at elsewhere. */

import { spoken } from "./aria";
import { focusedBeside, h, say, svg } from "./dom";
import { Drawing, geometryFor } from "./drawing";
import { foldOf, LEVELS, turned, type Fold } from "./geometry";
import { pathFrom, placesOf } from "./highlight";
import { pannable } from "./pan";
import type { Quantity } from "./quantity";
import type { Store } from "./store";

/** The smallest scale at which all text is readable, of 12 pixels at least, on a phone 10; and the largest that is not asked for. */
const readable = (): number => (innerWidth < 600 ? 10 / 13 : 12 / 13);
const LARGEST = 1.35;

export class Diagram {
  readonly element: HTMLElement;
  private readonly scroller = h("div", { class: "cp-scroller", role: "region", "aria-label": "Diagram", tabindex: "-1" });
  private readonly folds: Fold[];
  private drawing!: Drawing;
  private key = "";
  private zoom = 1;
  private isFitted = false;
  private level = 0;
  /** The width to draw in; a guess until it is known. */
  private room = innerWidth > 990 ? 0.6 * Math.min(innerWidth, 1680) - 40 : innerWidth - 30;
  private readonly legend = h("p", { class: "cp-key" });

  constructor(
    private readonly store: Store,
    private readonly select: (quantity: Quantity) => void,
    private readonly point: (places: string[]) => void,
  ) {
    this.folds = store.network.sizes.map(foldOf);
    const zoomTo = (zoom: () => number, isFitted: boolean) => () => {
      [this.zoom, this.isFitted] = [Math.min(4, Math.max(0.3, zoom())), isFitted];
      this.update();
    };
    const zoomBy = (factor: number) => zoomTo(() => this.zoom * factor, false);
    const button = (words: string, sign: string, act: () => void) =>
      h("button", { type: "button", class: "cp-small", "aria-label": words, title: words, click: act }, sign);
    const fit = h("button", { type: "button", class: "cp-quiet", title: "Show the whole network", click: zoomTo(() => 1, true) }, "Fit");
    const tools = h("div", { class: "cp-zoom" }, this.legend, fit, button("Zoom out", "−", zoomBy(1 / 1.25)), button("Zoom in", "+", zoomBy(1.25)));
    this.element = h("div", { class: "cp-diagram" }, this.scroller, tools);
    pannable(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.keyed(event));
    // An observer reports the width: reading it would lay out a page that is still being built.
    new ResizeObserver(([told]) => ((this.room = told!.contentRect.width), this.update())).observe(this.scroller);
  }

  /** One stop for the Tab key; the arrows move on from there. */
  private keyed(event: KeyboardEvent): void {
    const { stops } = this.drawing;
    const at = stops.indexOf(focusedBeside(this.scroller) as SVGElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    const isPress = event.key === "Enter" || event.key === " ";
    if (at < 0 || (to === undefined && !isPress)) return;
    event.preventDefault();
    if (to === undefined) return void stops[at]!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const next = stops[Math.max(0, Math.min(stops.length - 1, to))]!;
    stops.forEach((stop) => stop.setAttribute("tabindex", stop === next ? "0" : "-1"));
    next.focus();
  }

  // --- drawing ----------------------------------------------------------------------------

  update(): void {
    const { shown, network, data, setup } = this.store;
    const room = this.room * this.zoom;
    const level = LEVELS.find((each) => room >= readable() * geometryFor(this.store, this.folds, each).width) ?? LEVELS.length - 1;
    const key = JSON.stringify([this.folds, level, shown, network.activations, data.penalty !== null, setup.isOwn]);
    if (key !== this.key) {
      [this.key, this.level] = [key, level];
      this.draw();
    }
    this.resize();
    this.refresh();
  }

  private draw(): void {
    this.explainSigns();
    const focused = focusedBeside(this.scroller)?.closest(".cp-picture [data-select]")?.getAttribute("data-select");
    const fold = (column: number, way: "more" | "less") => {
      this.folds[column] = turned(this.folds[column]!, this.store.network.sizes[column]!, way);
      this.store.changed();
    };
    this.drawing = new Drawing(this.store, this.folds, this.level, { select: this.select, point: this.point, fold });
    this.scroller.replaceChildren(this.drawing.picture);
    if (focused) this.scroller.querySelector<SVGElement>(`[data-select="${CSS.escape(focused)}"]`)?.focus();
  }

  private resize(): void {
    const { picture, geometry } = this.drawing;
    const [zoom, whole] = [this.zoom, ((this.room - 2) * this.zoom) / geometry.width];
    const isPhone = innerWidth < 600; // there the whole page scrolls
    const seen = isPhone && !this.isFitted ? whole : Math.min(whole, (TALLEST() * Math.max(1, zoom)) / geometry.height);
    const wanted = this.isFitted ? seen : Math.max(seen, readable() * Math.min(1, zoom));
    const scale = Math.min(LARGEST * Math.max(1, zoom), wanted);
    picture.setAttribute("width", String(geometry.width * scale));
    picture.setAttribute("height", String(geometry.height * scale));
  }

  private refresh(): void {
    const { store, drawing } = this;
    const done = store.current;
    const progress = store.progress;
    for (const { element, text } of drawing.live) say(element, text(progress));
    // What a screen reader says begins with what is written there.
    for (const element of drawing.picture.querySelectorAll("[data-select]")) {
      const [written, aloud] = [element.textContent ?? "", spoken(store, element.getAttribute("data-select")!, progress)];
      element.setAttribute("aria-label", written && !aloud.includes(written) ? `${written}, ${aloud}` : aloud);
    }
    const vector = progress.hasUpdate ? done.update.vector : done.moment.vector;
    const largest = drawing.edges.reduce((most, { index }) => Math.max(most, Math.abs(vector[index]!)), 1e-300);
    for (const { line, index } of drawing.edges) {
      line.setAttribute("stroke-width", (0.8 + 4.2 * Math.min(1, Math.abs(vector[index]!) / largest)).toFixed(2));
      line.classList.toggle("cp-negative", vector[index]! < 0);
    }
    this.lightPath();
  }

  private lightPath(): void {
    const { selected, network } = this.store;
    const isOnPath = pathFrom(selected, network);
    const own = placesOf(selected, network);
    for (const [place, elements] of this.drawing.places)
      for (const element of elements) {
        const id = element.getAttribute("data-select");
        element.classList.toggle("cp-lit", isOnPath(place));
        element.classList.toggle("cp-chosen", own.includes(place) && (id === null || id === selected.id || element.classList.contains("cp-weight")));
        if (id !== null) element.setAttribute("aria-pressed", String(id === selected.id));
      }
  }

  /** Light up places that are pointed at elsewhere. */
  light(places: string[]): void {
    for (const element of this.drawing.picture.querySelectorAll(".cp-pointed")) element.classList.remove("cp-pointed");
    this.mark("cp-pointed", places);
  }

  /** Give a class to what stands at these places. */
  mark(name: string, places: string[]): void {
    for (const place of places) for (const element of this.drawing.places.get(place) ?? []) element.classList.add(name);
  }

  /** How to read lines, colours and numbers. */
  private explainSigns(): void {
    const { words } = this.store.names;
    const line = (kind: string) => svg("svg", { width: 34, height: 10, class: `cp-sign ${kind}`, "aria-hidden": "true" }, svg("path", { d: "M1 5H33" }));
    const signal = `∂${words.total_error}/∂${words.sum}`;
    this.legend.replaceChildren(h("span", {}, line(""), "positive weight"), h("span", {}, line("cp-negative"), "negative"), h("span", {}, "thicker: larger"),
      h("span", {}, h("span", { class: "cp-signal" }, words.signal || "δ"), `error signal, ${signal}`));
  }

  /** The drawing as a file. What the style sheet says stands at each element, so that every program draws it. */
  file(): string {
    const { picture, geometry } = this.drawing;
    const copy = picture.cloneNode(true) as SVGSVGElement;
    const elements = [...picture.querySelectorAll("*")];
    [...copy.querySelectorAll("*")].forEach((element, k) => dress(element, getComputedStyle(elements[k]!)));
    for (const element of copy.querySelectorAll(".cp-hit")) element.remove();
    for (const element of [copy, ...copy.querySelectorAll("*")])
      for (const { name } of [...element.attributes]) if (/^(class|role|tabindex|aria-.*|data-.*)$/.test(name)) element.removeAttribute(name);
    const paper = getComputedStyle(this.scroller).backgroundColor;
    copy.prepend(svg("rect", { width: geometry.width, height: geometry.height, fill: paper }));
    for (const [name, value] of [["width", geometry.width], ["height", geometry.height], ["font-family", "Helvetica, Arial, DejaVu Sans, sans-serif"]]) copy.setAttribute(String(name), String(value));
    return new XMLSerializer().serializeToString(copy);
  }
}

/** The room for a diagram that is to be seen whole, as the style sheet limits it. */
const TALLEST = (): number => Math.min(0.76 * innerHeight, 860);

/** Write at an element what its style is. */
function dress(element: Element, style: CSSStyleDeclaration): void {
  const isText = element.matches("text");
  if (!isText && !element.matches("path, rect")) return;
  const names = isText ? ["fill", "font-size", "font-weight"] : ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity"];
  for (const name of names) {
    const value = style.getPropertyValue(name).replaceAll("px", "");
    element.setAttribute(name, value === "transparent" || value === "rgba(0, 0, 0, 0)" ? "none" : value);
  }
}
