/* The steps of one cycle, in order: units, the error, error signals, the update. */

import type { Network } from "./network";
import * as q from "./quantity";

export type Phase =
  | { kind: "units"; layer: number; from: number; to: number }
  | { kind: "error" }
  | { kind: "backward"; layer: number }
  | { kind: "update" };

/** A layer of more units than this is computed in one step; so is one of softmax, whose outputs need all its sums. */
const ONE_BY_ONE = 12;

export function phasesOf(network: Network): Phase[] {
  const phases: Phase[] = [];
  for (let layer = 0; layer < network.depth; layer++) {
    const size = network.sizes[layer + 1]!;
    if (size > ONE_BY_ONE || network.rule(layer).kind === "softmax") phases.push({ kind: "units", layer, from: 0, to: size });
    else for (let unit = 0; unit < size; unit++) phases.push({ kind: "units", layer, from: unit, to: unit + 1 });
  }
  phases.push({ kind: "error" });
  for (let layer = network.last; layer >= 0; layer--) phases.push({ kind: "backward", layer });
  phases.push({ kind: "update" });
  return phases;
}

/** The number of steps after which the forward pass and the error are known. */
export function afterError(phases: Phase[]): number {
  return phases.findIndex((phase) => phase.kind === "error") + 1;
}

/** The quantities that are known after the first steps of a cycle. */
export class Progress {
  private readonly units: number[] = [];
  private hasError = false;
  private backwardFrom = Infinity;
  readonly hasUpdate: boolean = false;

  constructor(phases: Phase[], done: number) {
    for (const phase of phases.slice(0, done)) {
      if (phase.kind === "units") this.units[phase.layer] = phase.to;
      else if (phase.kind === "error") this.hasError = true;
      else if (phase.kind === "backward") this.backwardFrom = phase.layer;
      else this.hasUpdate = true;
    }
  }

  knows({ kind, layer, unit, by, name }: q.Quantity, network: Network): boolean {
    if (kind === "sum" || kind === "output") return layer < 0 || unit < (this.units[layer] ?? 0);
    if (kind === "derivative") return (by.kind === "parameter" ? network.place(by.unit).layer : by.layer) >= this.backwardFrom;
    if (kind === "updated" || kind === "state") return this.hasUpdate;
    if (kind === "named" && /^(norm|clip_factor)/.test(name)) return this.backwardFrom === 0;
    return kind === "error" || kind === "total" ? this.hasError : true;
  }
}

/** The description of a step, and the quantities that it has just computed. */
export function told(phase: Phase, network: Network, text: (quantity: q.Quantity) => string): { words: string; units: q.Quantity[] } {
  switch (phase.kind) {
    case "units": {
      const { layer, from, to } = phase;
      const units = [...Array(Math.min(to - from, 40)).keys()].map((k) => q.output(layer, from + k));
      if (to - from > 1) return { words: `Forward: the ${to - from} units of layer ${layer + 1}`, units };
      return { words: `Forward: ${text(q.sum(layer, from))} and ${text(q.output(layer, from))}`, units };
    }
    case "error":
      return { words: "Error: compare outputs with targets", units: [q.TOTAL] };
    case "backward": {
      const size = Math.min(network.sizes[phase.layer + 1]!, 40);
      const units = [...Array(size).keys()].map((unit) => q.sum(phase.layer, unit));
      return { words: `Backward: error signals of layer ${phase.layer + 1} and gradients of its weights`, units };
    }
    case "update":
      return { words: "Update: all weights at once, using gradients at the old weights", units: [] };
  }
}
