/* The curve of the loss over the cycles, on a logarithmic scale. */

import { h, say, svg } from "./dom";
import { counted, grouped } from "./number";
import type { Store } from "./store";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [460, 170, 62, 24];
const POINTS = 300;

/** The height of a loss from 0 to 1, and what is written at both ends. The scale is logarithmic; a loss of exactly 0,
    which has no place on it, stands at the bottom, apart from all others. */
export function scaleOf(losses: number[]): { height(loss: number): number; low: string; high: string } {
  const powers = losses.filter((loss) => loss > 0 && Number.isFinite(loss)).map(Math.log10);
  const high = powers.reduce((a, b) => Math.max(a, b), -Infinity);
  const lowest = powers.reduce((a, b) => Math.min(a, b), high);
  const hasZero = losses.includes(0);
  const low = hasZero ? lowest - Math.max(0.5, 0.15 * (high - lowest)) : lowest;
  const short = (power: number) => {
    const value = 10 ** power;
    return value >= 0.01 && value < 1000 ? value.toPrecision(3) : value.toExponential(1).replace("+", "");
  };
  const height = (loss: number) => (loss > 0 && high > low ? Math.min(1, (Math.log10(loss) - low) / (high - low)) : 0);
  return { height, low: hasZero ? "0" : powers.length ? short(lowest) : "", high: powers.length && high > low ? short(high) : "" };
}

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
    const { right, setup: { examples } } = this.store;
    const accuracy = right === null ? "" : ` Accuracy ${Math.round((100 * right) / examples.count)}%: ${right} of ${counted(examples.count, "example")}.`;
    const words = `Cycle ${grouped(step)}: ${error} = ${view.number(now)}${step > 1 ? `; started at ${view.number(first)}` : ""}.${accuracy}`;
    say(this.caption, words);
    this.picture.setAttribute("aria-label", `Curve of ${error} per cycle. ${words}`);
    const scale = scaleOf(losses);
    const x = (k: number) => LEFT + (k / Math.max(1, losses.length - 1)) * (WIDTH - LEFT - 8);
    const y = (loss: number) => 12 + (1 - scale.height(loss)) * (HEIGHT - BOTTOM - 14);
    const count = Math.min(POINTS, losses.length);
    const picked = [...Array(count).keys()].map((k) => Math.round((k * (losses.length - 1)) / Math.max(1, count - 1)));
    this.line.setAttribute("d", picked.map((k, i) => `${i ? "L" : "M"}${x(k).toFixed(1)} ${y(losses[k]!).toFixed(1)}`).join(""));
    this.dot.setAttribute("cx", x(step - 1).toFixed(1));
    this.dot.setAttribute("cy", y(now).toFixed(1));
    say(this.high, scale.high);
    say(this.low, scale.low);
    say(this.end, `cycle ${grouped(losses.length)}`);
  }
}
