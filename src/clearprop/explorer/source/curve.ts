/* The curve of the loss over the cycles, on a logarithmic scale. */

import { h, say, svg } from "./dom";
import { grouped } from "./number";
import type { Store } from "./store";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [460, 170, 62, 24];
const POINTS = 300;

export class Curve {
  readonly element: HTMLElement;
  private readonly line = svg("path", { class: "cp-curve" });
  private readonly dot = svg("circle", { r: 3.5, class: "cp-dot" });
  private readonly high = svg("text", { x: LEFT - 6, y: 16, "text-anchor": "end" });
  private readonly low = svg("text", { x: LEFT - 6, y: HEIGHT - BOTTOM, "text-anchor": "end" });
  private readonly end = svg("text", { x: WIDTH - 6, y: HEIGHT - 6, "text-anchor": "end" });
  private readonly caption = h("p", { class: "cp-figures" });
  private readonly picture: SVGSVGElement;

  constructor(private readonly store: Store) {
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "cp-chart", role: "img" },
      svg("path", { d: `M${LEFT} 8V${HEIGHT - BOTTOM}H${WIDTH - 4}`, class: "cp-axis" }),
      svg("text", { x: LEFT, y: HEIGHT - 6 }, "1"), this.high, this.low, this.end, this.line, this.dot);
    this.element = h("section", { class: "cp-card" }, h("h2", {}, "Error per cycle"), this.picture, this.caption);
  }

  update(): void {
    const { losses, view, names, step } = this.store;
    const error = names.words.total_error;
    const first = losses[0]!;
    const now = losses[step - 1] ?? first;
    const words = `Cycle ${grouped(step)}: ${error} = ${view.number(now)}${step > 1 ? `; started at ${view.number(first)}` : ""}.`;
    say(this.caption, words);
    this.picture.setAttribute("aria-label", `Curve of ${error} per cycle. ${words}`);
    const positive = losses.filter((loss) => loss > 0 && Number.isFinite(loss));
    if (!positive.length) return this.line.setAttribute("d", "");
    const bottom = Math.max(1e-12, positive.reduce((a, b) => Math.min(a, b)));
    const top = positive.reduce((a, b) => Math.max(a, b));
    const [low, high] = [Math.log10(bottom), Math.max(Math.log10(top), Math.log10(bottom) + 0.1)];
    const x = (k: number) => LEFT + (k / Math.max(1, losses.length - 1)) * (WIDTH - LEFT - 8);
    const y = (loss: number) => 12 + ((high - Math.log10(Math.max(loss, bottom))) / (high - low)) * (HEIGHT - BOTTOM - 14);
    const count = Math.min(POINTS, losses.length);
    const picked = [...Array(count).keys()].map((k) => Math.round((k * (losses.length - 1)) / Math.max(1, count - 1)));
    this.line.setAttribute("d", picked.map((k, i) => `${i ? "L" : "M"}${x(k).toFixed(1)} ${y(losses[k]!).toFixed(1)}`).join(""));
    this.dot.setAttribute("cx", x(step - 1).toFixed(1));
    this.dot.setAttribute("cy", y(now).toFixed(1));
    const short = (value: number) => (value >= 0.01 && value < 1000 ? value.toPrecision(3) : value.toExponential(1));
    say(this.high, short(10 ** high));
    say(this.low, short(10 ** low));
    say(this.end, `cycle ${grouped(losses.length)}`);
  }
}
