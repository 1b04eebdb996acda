/* Playing: cycle after cycle until the loss converges, a limit is reached, or a number is not finite. */

import { gradientNorm } from "./cycle";
import { counted, grouped, plainNumber } from "./number";
import { noted, type Watched } from "./schedule";
import type { Store } from "./store";
import { words } from "./words";

/** The least time in milliseconds that a frame computes, and the most as a share of the frame before. */
const FRAME = 9;
const SHARE = 0.5;

/** The number of cycles after some seconds. "accelerating" is slow enough to watch at first, fast enough to reach the end. */
export const SPEEDS = {
  "1 cycle a second": (seconds: number) => 1 + Math.floor(seconds),
  "10 a second": (seconds: number) => 1 + Math.floor(10 * seconds),
  "100 a second": (seconds: number) => 1 + Math.floor(100 * seconds),
  accelerating: (seconds: number) => 1 + 60 * seconds + 2500 * seconds ** 2,
  "as fast as possible": () => Infinity,
};
export type Speed = keyof typeof SPEEDS;

export interface Ending {
  words: string;
  isGood: boolean;
}

export class Player {
  playing = false;
  private pace: Speed = "accelerating";
  private started = 0;
  private before = 0;
  private made = 0;
  private awaited = 0;

  constructor(
    private readonly store: Store,
    private readonly ended: (ending: Ending) => void,
  ) {}

  play(): void {
    if (this.playing) return;
    this.playing = true;
    this.started = this.before = performance.now();
    this.made = 0;
    this.frame();
  }

  get speed(): Speed {
    return this.pace;
  }

  /** Also while playing: what was made so far counts as made at the new speed. */
  set speed(speed: Speed) {
    [this.pace, this.started, this.made] = [speed, performance.now(), 1];
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.awaited); // playing again at once would otherwise go on twice
  }

  private frame(): void {
    if (!this.playing) return;
    const now = performance.now();
    const until = now + Math.max(FRAME, SHARE * Math.min(200, now - this.before));
    this.before = now;
    let ending: Ending | null = null;
    const isStill = this.pace === "accelerating" && matchMedia("(prefers-reduced-motion: reduce)").matches;
    const most = isStill ? Infinity : SPEEDS[this.pace]((now - this.started) / 1000) - this.made;
    for (let k = 0; k < most && !ending && (k === 0 || performance.now() < until); k++) {
      const fault = this.store.advance();
      this.made += 1;
      ending = fault ? { words: `Diverged after cycle ${grouped(this.store.step)}: ${fault}`, isGood: false } : verdict(this.store);
    }
    if (ending) this.playing = false;
    if (most > 0) {
      this.store.rest();
      this.store.changed();
    }
    if (ending) this.ended(ending);
    else this.awaited = requestAnimationFrame(() => this.frame());
  }
}

/** The reason to end after this cycle, or null; as training/stopping.py decides. */
export function verdict({ data, losses, current }: Store): Ending | null {
  const { target_loss, tolerance, relative, patience, gradient_tolerance, improvement, cycles: most } = data.stopping;
  const cycles = losses.length - 1;
  const after = counted(cycles, "cycle");
  const converged = (cause: string): Ending => ({ words: `Converged after ${after}: ${cause}.`, isGood: true });
  if (target_loss !== null && losses[cycles]! <= target_loss)
    return { words: `After ${after} ${words("target_loss", { target: plainNumber(target_loss) })}.`, isGood: true };
  if (improvement !== null && cycles > patience) {
    // The loss before the first cycle does not count.
    let seen = { best: losses.slice(1, -patience).reduce((a, b) => Math.min(a, b)), bad: 0 } as Watched;
    for (const loss of losses.slice(-patience)) seen = noted(improvement, { loss, tolerance }, seen);
    if (seen["bad"]! >= patience) return converged(words("no_better", { tolerance: plainNumber(tolerance), patience: counted(patience, "cycle") }));
  }
  if (improvement === null && tolerance > 0 && cycles >= patience) {
    const recent = losses.slice(-patience - 1);
    const most = relative ? tolerance * losses[0]! : tolerance;
    const isStill = Number.isFinite(most) && recent.slice(1).every((loss, k) => Math.abs(loss - recent[k]!) <= most);
    const plain = plainNumber(tolerance);
    const shown = relative ? words("relative", { tolerance: plain }) : plain;
    const epochs = patience > 1 ? `each of the last ${grouped(patience)} cycles` : "the last cycle";
    if (isStill) return converged(words("still", { tolerance: shown, epochs }));
  }
  if (current.watched["done"]) {
    const { patience, tolerance } = data.optimizer.schedule.constants;
    const rate = plainNumber(Number(current.rate.toPrecision(3)));
    return converged(words("least_rate", { tolerance: plainNumber(tolerance!), patience: counted(patience! + 1, "cycle"), rate }));
  }
  if (gradient_tolerance > 0) {
    const norm = gradientNorm(current);
    if (norm <= gradient_tolerance) return converged(words("flat", { norm: plainNumber(Number(norm.toPrecision(3))), limit: plainNumber(gradient_tolerance) }));
  }
  if (cycles < most) return null;
  const limit = words("epoch_limit", { epochs: counted(most, "cycle") });
  return { words: `${limit[0]!.toUpperCase()}${limit.slice(1)}.`, isGood: true };
}
