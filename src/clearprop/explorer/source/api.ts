/* What the page computes, for scripts: `clearprop.run(data, …)` in the console, and for the tests that compare the
   page with Python. */

import { blocksOf } from "./compose";
import { beginning, cycle, examplesOf, following, only, valueOf, type Cycle, type Problem } from "./cycle";
import { decoded, type Data } from "./data";
import { derive } from "./derive";
import { evaluate, useTables } from "./evaluate";
import { latexOf } from "./latex";
import { Network } from "./network";
import { viewOf, type Shown } from "./printing";
import { chosen } from "./quantity";
import * as q from "./quantity";
import { textOf } from "./text";
import { useWords } from "./words";

export { blocksOf, chosen, decoded, derive, evaluate, latexOf, viewOf };
export { addressOf, goToAddress } from "./address";
export { inLines } from "./symbols";
export { rowsFrom } from "./csv";
export { typed } from "./field";
export { shownNumber } from "./number";
export { scaleOf } from "./curve";
export { SPEEDS, verdict } from "./player";
export { Store } from "./store";
export { tomlOf } from "./toml";
export { warningsOf } from "./warnings";

/** The cycle of that number, on one example (counted from 0) or on all. */
export function run(data: Data, cycles = 1, example: number | "all" = 0): Cycle {
  useTables(data);
  useWords(data);
  const { optimizer, penalty } = data;
  const problem: Problem = { network: Network.of(data), optimizer, penalty, rate: optimizer.rate, examples: examplesOf(data) };
  const isBatch = example === "all";
  const rows = example === "all" ? problem.examples : only(problem.examples, example);
  let done = cycle(problem, beginning(problem, decoded(data.parameters)), rows, isBatch);
  for (let k = 1; k < cycles; k++) done = cycle(problem, following(done), rows, isBatch);
  return done;
}

/** Every number of a cycle, by what it is called. */
export function numbersOf(done: Cycle, notation: string): Record<string, Record<string, number>> {
  const { network } = done;
  const names = network.names(notation);
  const values: Record<string, number> = {};
  const take = (quantity: q.Quantity) => (values[names.text(quantity)] = valueOf(done, quantity));
  for (let layer = 0; layer < network.depth; layer++)
    for (let unit = 0; unit < network.sizes[layer + 1]!; unit++) [q.sum(layer, unit), q.output(layer, unit)].forEach(take);
  for (let k = 0; k < network.outputs; k++) take(q.error(k));
  take(q.TOTAL);
  if (done.problem.penalty) take(q.PENALTY);
  const byName = (vector: Float64Array) => Object.fromEntries([...vector].map((value, index) => [network.parameterName(index), value]));
  return {
    values,
    gradients: byName(done.gradients.vector),
    updated: byName(done.update.vector),
    after: { [names.text(q.TOTAL)]: done.errorAfter },
  };
}

/** The derivation of a quantity, by its id (`p4`, `z0.1`, `a0.1`, `e0`, `total`), as text. */
export function textFor(done: Cycle, id: string, shown: Shown): string {
  const quantity = chosen(id);
  if (!quantity) throw new Error(`nothing to explain is called ${id}`);
  const view = viewOf(done.network.names(shown.notation), shown);
  return textOf(blocksOf(derive(done, quantity, 0, view), view), view);
}
