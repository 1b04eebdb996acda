/* The learning rate as training goes on. */

import { decoded } from "./data";
import type { Numbers, Optimizer, Plateau } from "./data";
import { evaluate } from "./evaluate";

/** What a plateau remembers of the losses; of the other schedules, nothing. */
export type Watched = Record<string, number>;

const isPlateau = (schedule: Optimizer["schedule"]): schedule is Plateau => schedule !== null && "watch" in schedule;

export function unwatched({ schedule }: Optimizer): Watched {
  if (!isPlateau(schedule)) return {};
  return Object.fromEntries(Object.entries(schedule.unwatched).map(([name, value]) => [name, value ?? Infinity]));
}

/** What is remembered once the loss after an epoch is known. */
export function watched({ schedule }: Optimizer, base: number, before: Watched, loss: number): Watched {
  if (!isPlateau(schedule)) return before;
  const values: Watched = { ...schedule.constants, ...before, base, loss };
  for (const [name, formula] of schedule.watch) values[name] = evaluate(formula, values);
  return Object.fromEntries(Object.keys(before).map((name) => [name, values[name]!]));
}

/** The rate of a step, counted from 1, that is an epoch by itself. */
export function scheduled({ schedule }: Optimizer, base: number, step: number, seen: Watched): number {
  if (schedule === null) return base;
  if (isPlateau(schedule)) return evaluate(schedule.rate, { ...schedule.constants, ...seen, base, step });
  const [offsets, factors] = [listed(schedule.offsets), listed(schedule.factors)];
  const at = Math.min(step, factors.length) - 1;
  return offsets[at]! + factors[at]! * base;
}

const lists = new WeakMap<object, Float64Array>();

function listed(numbers: Numbers): Float64Array {
  let found = lists.get(numbers);
  if (!found) lists.set(numbers, (found = decoded(numbers)));
  return found;
}
