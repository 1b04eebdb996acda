/* Playing: cycle after cycle until the loss converges, a limit is reached, or a number is not finite. */

import { gradientNorm } from "./cycle";
import { grouped } from "./number";
import type { Store } from "./store";

/** The least time in milliseconds that a frame computes, and the most as a share of the frame before. */
const FRAME = 9;
const SHARE = 0.5;

/** The number of cycles after some seconds: slow enough to watch at first, fast enough to reach the end. */
const pace = (seconds: number): number => 1 + 60 * seconds + 2500 * seconds ** 2;

export interface Ending {
  words: string;
  isGood: boolean;
}

export class Player {
  private isPlaying = false;
  private started = 0;
  private before = 0;
  private made = 0;

  constructor(
    private readonly store: Store,
    private readonly ended: (ending: Ending) => void,
  ) {}

  get playing(): boolean {
    return this.isPlaying;
  }

  play(): void {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.started = this.before = performance.now();
    this.made = 0;
    this.frame();
  }

  pause(): void {
    this.isPlaying = false;
  }

  private frame(): void {
    if (!this.isPlaying) return;
    const now = performance.now();
    const until = now + Math.max(FRAME, SHARE * Math.min(200, now - this.before));
    this.before = now;
    let ending: Ending | null = null;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const most = isStill ? Infinity : Math.max(1, pace((now - this.started) / 1000) - this.made);
    for (let k = 0; k < most && !ending && (k === 0 || performance.now() < until); k++) {
      const fault = this.store.advance();
      this.made += 1;
      ending = fault ? { words: `Diverged after cycle ${grouped(this.store.step)}: ${fault}`, isGood: false } : verdict(this.store);
    }
    this.store.position = Math.min(this.store.phases.length, this.store.phases.findIndex((phase) => phase.kind === "error") + 1);
    if (ending) {
      this.isPlaying = false;
      this.store.changed();
      this.ended(ending);
      return;
    }
    this.store.changed();
    requestAnimationFrame(() => this.frame());
  }
}

/** The reason to end after this cycle, or null; as training/stopping.py decides. */
export function verdict(store: Store): Ending | null {
  const { stopping } = store.data;
  const { losses } = store;
  const cycles = losses.length - 1;
  const loss = losses[cycles]!;
  if (stopping.target_loss !== null && loss <= stopping.target_loss)
    return { words: `After ${grouped(cycles)} cycles the loss reached the target of ${stopping.target_loss}.`, isGood: true };
  if (stopping.tolerance > 0 && cycles >= stopping.patience) {
    const recent = losses.slice(-stopping.patience - 1);
    if (recent.slice(1).every((after, k) => Math.abs(after - recent[k]!) <= stopping.tolerance))
      return { words: `Converged after ${grouped(cycles)} cycles: the loss changed by at most ${stopping.tolerance} in each of the last ${stopping.patience}.`, isGood: true };
  }
  if (stopping.gradient_tolerance > 0) {
    const norm = gradientNorm(store.current);
    if (norm <= stopping.gradient_tolerance) return { words: `Converged after ${grouped(cycles)} cycles: the norm of the gradient is ${norm.toPrecision(3)}.`, isGood: true };
  }
  if (cycles >= stopping.cycles) return { words: `The limit of ${grouped(stopping.cycles)} cycles was reached before the loss converged.`, isGood: false };
  return null;
}
