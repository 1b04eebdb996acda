/* The learning rate as training goes on. */

import type { Optimizer, Schedule } from "./data";
import { evaluate } from "./evaluate";

/** What a schedule remembers of the losses. */
export type Watched = Record<string, number>;

export function unwatched({ schedule }: Optimizer): Watched {
  return Object.fromEntries(Object.entries(schedule.unwatched).map(([name, value]) => [name, value ?? Infinity]));
}

/** The memory once the loss after an epoch is known. */
export function watched({ schedule }: Optimizer, base: number, before: Watched, loss: number): Watched {
  return noted(schedule.watch, { ...schedule.constants, base, loss }, before);
}

/** What is remembered after these assignments. */
export function noted(watch: Schedule["watch"], given: Watched, before: Watched): Watched {
  const values: Watched = { ...given, ...before };
  for (const [name, formula] of watch) values[name] = evaluate(formula, values);
  return Object.fromEntries(Object.keys(before).map((name) => [name, values[name]!]));
}

/** The rate of a step, counted from 1, where each step is an epoch of so many examples. */
export function scheduled({ schedule }: Optimizer, base: number, step: number, seen: Watched, examples: number): number {
  return evaluate(schedule.rate, { ...schedule.constants, ...seen, base, step, examples, epoch: step - 1 });
}
