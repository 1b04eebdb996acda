/* The state of the page: edits, the current cycle, the selection. Every edit is tried first; one that would give
   numbers that are not finite is refused with its cause, and the last good state is kept. */

import { beginning, cycle, examplesOf, following, only, valueOf, type Cycle, type Moment, type Problem } from "./cycle";
import { decoded, type Data, type Loss } from "./data";
import { useTables } from "./evaluate";
import { Network, type Names } from "./network";
import { afterError, phasesOf, Progress, type Phase } from "./phases";
import { viewOf, type Shown, type View } from "./printing";
import { forward, type Rows } from "./propagate";
import * as q from "./quantity";
import { useWords, words } from "./words";

/** Everything a person can edit. */
export interface Setup {
  activations: number[];
  loss: number;
  start: Float64Array;
  rate: number;
  examples: Rows;
  /** Whether the examples are a person's own instead of the original ones. */
  isOwn: boolean;
  row: number;
  isBatch: boolean;
}

const SNAPSHOT_NUMBERS = 4_000_000;
const SNAPSHOTS = 256;

export class Store {
  readonly original: Setup;
  setup: Setup;
  problem: Problem;
  current: Cycle;
  phases: Phase[];
  /** How many steps of the current cycle have been taken. */
  position: number;
  /** E_total before each cycle, from the first on; without dropout. */
  losses: number[] = [];
  selected: q.Quantity;
  /** Quantities that are explained before the selected one: those of the same step. */
  beside: q.Quantity[] = [];
  /** What a person has selected last. */
  private picked = q.parameter(0);
  shown: Shown;
  /** How often the cycles were counted anew. */
  beginnings = 0;
  private snapshots = new Map<number, Moment>();
  private stride = 1;
  private readonly listeners: (() => void)[] = [];

  constructor(readonly data: Data) {
    useTables(data);
    useWords(data);
    const network = Network.of(data);
    this.original = {
      activations: network.activations, loss: network.lossIndex, start: decoded(data.parameters), rate: data.optimizer.rate,
      examples: examplesOf(data), isOwn: false, row: 0, isBatch: false,
    };
    this.setup = this.original;
    this.shown = { notation: data.notation, digits: 5, rounding: "nearest" };
    this.problem = this.problemFor(this.setup);
    this.current = this.first(this.setup, this.problem);
    this.phases = phasesOf(network);
    this.position = afterError(this.phases);
    this.selected = this.picked;
    this.restart();
  }

  on(listener: () => void): void {
    this.listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }

  get network(): Network {
    return this.problem.network;
  }

  get step(): number {
    return this.current.moment.step;
  }

  get names(): Names {
    return this.network.names(this.shown.notation);
  }

  get view(): View {
    return viewOf(this.names, this.shown);
  }

  /** The position in the current cycle's batch of the example that is shown. */
  get rowShown(): number {
    return this.setup.isBatch ? this.setup.row : 0;
  }

  get progress(): Progress {
    return new Progress(this.phases, this.position);
  }

  /** The number of a quantity as it is shown, or other words while no step of the cycle has computed it. */
  written(quantity: q.Quantity, progress: Progress, otherwise = "·", characters = Infinity): string {
    if (!progress.knows(quantity, this.network)) return otherwise;
    const value = valueOf(this.current, quantity, this.rowShown);
    let [digits, text] = [this.shown.digits, this.view.number(value)];
    while (text.length > characters && digits > 0) text = viewOf(this.names, { ...this.shown, digits: (digits -= 1) }).number(value);
    return text;
  }

  select(quantity: q.Quantity): void {
    [this.selected, this.picked, this.beside] = [quantity, quantity, []];
    this.changed();
  }

  /** Show a whole cycle, and again what a person has selected. */
  rest(): void {
    this.position = afterError(this.phases);
    [this.selected, this.beside] = [this.picked, []];
  }

  /** Select what the last step has computed; a weight that was selected before, if it is among that. */
  private follow(): void {
    const phase = this.phases[this.position - 1];
    if (!phase) return;
    const { picked, network } = this;
    const own = picked.kind === "parameter" ? picked : null;
    [this.beside, this.selected] = [[], own ?? q.TOTAL];
    if (phase.kind === "units") {
      this.selected = q.output(phase.layer, phase.from);
      this.beside = [q.sum(phase.layer, phase.from)];
    } else if (phase.kind === "backward") {
      const isOwn = own !== null && network.place(own.unit).layer === phase.layer;
      this.selected = isOwn ? own : q.parameter(network.weight(phase.layer, 0, 0));
      const { unit } = network.place(this.selected.unit);
      if (!network.isShared(this.selected.unit)) this.beside = [q.derivative(q.TOTAL, q.sum(phase.layer, unit))];
    } else if (phase.kind === "error") this.selected = q.TOTAL;
  }

  /** Whether a quantity can be explained without numbers that this cycle has yet to compute. Between cycles all can. */
  isKnown(quantity: q.Quantity): boolean {
    const asked = quantity.kind === "parameter" ? q.derivative(q.TOTAL, quantity) : quantity;
    return this.position === afterError(this.phases) || this.progress.knows(asked, this.network);
  }

  // --- editing ----------------------------------------------------------------------------

  /** Make an edit, starting from the current weights. Returns the cause, and changes nothing, if it is impossible. */
  edit(change: Partial<Setup>): string | null {
    const setup: Setup = { ...this.setup, start: this.current.moment.vector, ...change };
    const misfit = this.misfit(setup);
    if (misfit) return misfit;
    const problem = this.problemFor(setup);
    const first = this.first(setup, problem);
    if (first.fault) return first.fault;
    [this.setup, this.problem, this.current] = [setup, problem, first];
    const [phases, before] = [phasesOf(problem.network), this.phases];
    const isBackward = phases.length === before.length && this.position > afterError(before) && this.position < before.length;
    this.phases = phases;
    if (!isBackward) this.position = afterError(phases);
    this.restart();
    this.changed();
    return null;
  }

  setWeight(index: number, value: number): string | null {
    const start = this.current.moment.vector.slice();
    start[index] = value;
    return this.edit({ start });
  }

  setExample(which: "inputs" | "targets", index: number, value: number): string | null {
    const { examples, row } = this.setup;
    const values = examples[which].slice();
    values[(row * values.length) / examples.count + index] = value;
    return this.edit({ examples: { ...examples, [which]: values } });
  }

  /** Show another example; in a batch this changes only the display. */
  show(row: number): void {
    if (this.setup.isBatch) {
      this.setup = { ...this.setup, row };
      this.changed();
    } else this.edit({ row });
  }

  reset(): void {
    const { row, isBatch } = this.setup;
    const fits = !this.setup.isOwn || row < this.original.examples.count;
    this.edit({ ...this.original, row: fits ? row : 0, isBatch });
  }

  private misfit(setup: Setup): string | null {
    const loss = this.data.losses[setup.loss]!;
    const misfit = loss.misfits[setup.activations[setup.activations.length - 1]!];
    return misfit ?? targetFault(loss, setup.examples);
  }

  private problemFor(setup: Setup): Problem {
    const network = new Network(this.data, setup.activations, setup.loss);
    const { optimizer, penalty } = this.data;
    return { network, optimizer, penalty, rate: setup.rate, examples: setup.examples };
  }

  private rowsFor(setup: Setup): Rows {
    return setup.isBatch ? setup.examples : only(setup.examples, setup.row);
  }

  private first(setup: Setup, problem: Problem): Cycle {
    return cycle(problem, beginning(problem, setup.start), this.rowsFor(setup), setup.isBatch);
  }

  /** How many of all examples the current weights put into their own class; null where targets are numbers. */
  get right(): number | null {
    const { data, network, current, setup: { examples } } = this;
    if (!data.isClassifier) return null;
    const outputs = forward(network, current.moment.vector, examples, []).outputs[network.last]!;
    const classOf = (values: Float64Array, row: number) => {
      const own = [...values.subarray(row * network.outputs, (row + 1) * network.outputs)];
      return own.length > 1 ? own.indexOf(Math.max(...own)) : Number(own[0]! >= 0.5);
    };
    return [...Array(examples.count).keys()].filter((row) => classOf(outputs, row) === classOf(examples.targets, row)).length;
  }

  // --- going through cycles ---------------------------------------------------------------

  private restart(): void {
    this.beginnings += 1;
    this.losses = [this.current.loss];
    this.snapshots = new Map([[1, this.current.moment]]);
    this.stride = 1;
  }

  /** Compute the next cycle. Returns the cause, and changes nothing, if a number is not finite. */
  advance(): string | null {
    if (this.current.fault) return this.current.fault;
    const next = cycle(this.problem, following(this.current), this.current.trace.rows, this.setup.isBatch);
    if (next.fault) return next.fault;
    this.current = next;
    this.losses[next.moment.step - 1] = next.loss;
    this.remember(next.moment);
    return null;
  }

  private remember(moment: Moment): void {
    if ((moment.step - 1) % this.stride) return;
    this.snapshots.set(moment.step, moment);
    const numbers = moment.vector.length * (1 + Object.keys(moment.state).length);
    const room = Math.max(2, Math.min(SNAPSHOTS, Math.floor(SNAPSHOT_NUMBERS / numbers)));
    while (this.snapshots.size > room) {
      this.stride *= 2;
      for (const step of this.snapshots.keys()) if ((step - 1) % this.stride) this.snapshots.delete(step);
    }
  }

  /** Go to the cycle of that number, from the nearest snapshot before it. */
  goTo(step: number, deadline = Infinity): string | null {
    let from = 1;
    for (const known of this.snapshots.keys()) if (known <= step && known > from) from = known;
    if (this.step > step || this.step < from) {
      const moment = this.snapshots.get(from)!;
      this.current = cycle(this.problem, moment, this.rowsFor(this.setup), this.setup.isBatch);
    }
    while (this.step < step) {
      const fault = this.advance();
      if (fault) return fault;
      if (performance.now() > deadline) return `stopped at cycle ${this.step} of ${step}: going on takes too long`;
    }
    return null;
  }

  forwardStep(): string | null {
    if (this.position < this.phases.length) this.position += 1;
    else {
      const fault = this.advance();
      if (fault) return fault;
      this.position = 1;
    }
    this.follow();
    this.changed();
    return null;
  }

  backStep(): void {
    if (this.position > (this.step > 1 ? 1 : 0)) this.position -= 1;
    else if (this.step > 1) {
      this.goTo(this.step - 1);
      this.position = this.phases.length;
    }
    this.follow();
    this.changed();
  }

  wholeCycle(): string | null {
    const fault = this.advance();
    if (!fault) this.rest();
    this.changed();
    return fault;
  }

  rewind(): void {
    this.goTo(1);
    this.rest();
    this.losses.length = 1;
    this.changed();
  }
}

/** Why targets do not fit a loss, or null. */
function targetFault(loss: Loss, rows: Rows): string | null {
  const [low, high] = loss.targets ?? [null, null];
  const K = rows.targets.length / rows.count;
  for (let row = 0; row < rows.count; row++) {
    const own = rows.targets.subarray(row * K, row * K + K);
    const outside = own.find((t) => (low !== null && t < low) || (high !== null && t > high));
    const where = `example ${rows.numbers[row]}: `;
    if (outside !== undefined) return where + words("outside", { loss: loss.name, low: low ?? "-inf", high: high ?? "inf", found: outside });
    const sum = own.reduce((a, b) => a + b, 0);
    if (loss.sums_to_one && Math.abs(sum - 1) > 1e-6) return where + words("not_whole", { loss: loss.name, found: sum });
  }
  return null;
}
