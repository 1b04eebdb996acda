/* The diagram: it follows the numbers of the cycle, and answers the keyboard, zooming, and what is pointed at elsewhere. */

import { spoken } from "./aria";
import { focusedBeside, h, say, svg } from "./dom";
import { CHARACTER, Drawing } from "./drawing";
import { foldOf, turned, type Fold } from "./geometry";
import { pathFrom, placesOf } from "./highlight";
import { pannable } from "./pan";
import type { Quantity } from "./quantity";
import type { Store } from "./store";

/** A diagram that would have to be smaller than this to be seen whole is shown readable, and scrolls. */
const [SMALLEST, READABLE] = [0.64, 0.72];

export class Diagram {
  readonly element: HTMLElement;
  private readonly scroller = h("div", { class: "cp-scroller", role: "region", "aria-label": "Diagram", tabindex: "-1" });
  private readonly folds: Fold[];
  private drawing!: Drawing;
  private key = "";
  private zoom = 1;
  private room = 0;

  constructor(
    private readonly store: Store,
    private readonly select: (quantity: Quantity) => void,
    private readonly point: (places: string[]) => void,
  ) {
    this.folds = store.network.sizes.map(foldOf);
    const zoomBy = (factor: number) => () => ((this.zoom = Math.min(4, Math.max(0.3, this.zoom * factor))), this.resize());
    const button = (words: string, sign: string, act: () => void) =>
      h("button", { type: "button", class: "cp-small", "aria-label": words, title: words, click: act }, sign);
    const tools = h("div", { class: "cp-zoom" }, button("Zoom out", "−", zoomBy(1 / 1.25)), button("Zoom in", "+", zoomBy(1.25)));
    this.element = h("div", { class: "cp-diagram" }, this.scroller, tools);
    pannable(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.keyed(event));
    // An observer reports the width: reading it would lay out a page that is still being built.
    new ResizeObserver(([told]) => ((this.room = told!.contentRect.width), this.resize())).observe(this.scroller);
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
    const key = JSON.stringify([this.folds, shown, network.activations, data.penalty !== null, setup.isOwn]);
    if (key !== this.key) {
      this.key = key;
      this.draw();
    }
    this.refresh();
  }

  private draw(): void {
    const focused = focusedBeside(this.scroller)?.closest(".cp-picture [data-select]")?.getAttribute("data-select");
    const fold = (column: number, way: "more" | "less") => {
      this.folds[column] = turned(this.folds[column]!, this.store.network.sizes[column]!, way);
      this.store.changed();
    };
    this.drawing = new Drawing(this.store, this.folds, { select: this.select, point: this.point, fold });
    this.scroller.replaceChildren(this.drawing.picture);
    if (focused) this.scroller.querySelector<SVGElement>(`[data-select="${CSS.escape(focused)}"]`)?.focus();
    this.resize();
  }

  private resize(): void {
    const { picture, geometry } = this.drawing;
    const whole = (this.room - 2) / geometry.width;
    const scale = Math.min(1.35, whole < SMALLEST ? READABLE : whole) * this.zoom;
    picture.setAttribute("width", String(geometry.width * scale));
    picture.setAttribute("height", String(geometry.height * scale));
  }

  private refresh(): void {
    const { store, drawing } = this;
    const done = store.current;
    const progress = store.progress;
    for (const { element, text } of drawing.live) write(element, text(progress));
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

  /** The drawing as a file, with its style. */
  file(style: string): string {
    const copy = this.drawing.picture.cloneNode(true) as SVGSVGElement;
    copy.setAttribute("width", String(this.drawing.geometry.width));
    copy.setAttribute("height", String(this.drawing.geometry.height));
    copy.setAttribute("class", "cp-picture cp-explorer");
    copy.prepend(svg("style", {}, style));
    for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
    return new XMLSerializer().serializeToString(copy);
  }
}

/** Write a number; one with many digits is set smaller, so that it stays in its cell. */
function write(element: Element, text: string): void {
  say(element, text);
  const room = element.getAttribute("data-room");
  if (room) element.setAttribute("font-size", Math.min(13, (13 * Number(room)) / Math.max(1, text.length * CHARACTER)).toFixed(2));
}
