/* What Python hands over (explorer/export.py), as it stands in the page. */

/** An expression of a rule: a number, a symbol, or an operator with its arguments. */
export type Raw = number | string | [string, ...Raw[]];

export interface Slope {
  raw: Raw;
  simplified: Raw;
  rules: string[];
}

export type Bounds = [number | null, number | null] | null;

export interface ScalarActivation {
  kind: "scalar";
  name: string;
  label: string;
  source: string;
  bounds: Bounds;
  formula: Raw;
  slope: Slope;
  printed_slope: Raw;
}

export interface SoftmaxActivation {
  kind: "softmax";
  name: string;
  label: string;
  source: string;
  bounds: Bounds;
  /** ``total`` is the sum over the layer: of the terms in the output, of the shares in the signal. */
  term: Raw;
  output: Raw;
  /** ∂y_k/∂z_j for j = k, and for any other j, whose output is ``other``. */
  diagonal: Raw;
  off_diagonal: Raw;
  share: Raw;
  signal: Raw;
}

export type Activation = ScalarActivation | SoftmaxActivation;

/** A loss with its share of the outputs, as it is differentiated. */
export interface SharedLoss extends Slope {
  error: Raw;
}

interface Shown {
  shown: { plain: Raw; counted: Raw };
}

export interface FusedScalar extends Shown {
  kind: "scalar";
  error: Raw;
  slope: Raw;
}

/** Of sums from which the largest is taken; ``log_total`` is log Σ_j e^z_j of those, ``whole`` Σ_k t_k. */
export interface FusedSoftmax extends Shown {
  kind: "softmax";
  output: Raw;
  error: Raw;
  signal: Raw;
  diagonal: Raw;
  off_diagonal: Raw;
}

export type Fused = FusedScalar | FusedSoftmax;

export interface Loss {
  name: string;
  label: string;
  source: string;
  formula: Raw;
  slope: Raw;
  targets: Bounds;
  sums_to_one: boolean;
  misfits: (string | null)[];
  fused: Record<string, Fused>;
  plain: SharedLoss;
  counted: SharedLoss;
}

export interface Layer {
  size: number;
  names: string[] | null;
  activation: number;
  bias: "unit" | "shared" | "none";
  weight_names: string[][] | null;
  bias_names: string | string[] | null;
  train_bias: boolean;
  dropout: number;
}

export interface Optimizer {
  name: string;
  source: string;
  rate: number;
  assignments: [string, Raw][];
  constants: Record<string, number>;
  state: Record<string, number>;
  clip_norm: number | null;
  clip_value: number | null;
  bounded: Raw;
  /** What the gradient is multiplied by, from its ``norm``. */
  clip_factor: Raw;
  schedule: Schedule;
}

/** The learning rate; ``watch`` says how a plateau's scale follows from the losses. */
export interface Schedule {
  name: string;
  constants: Record<string, number>;
  rate: Raw;
  watch: [string, Raw][];
  unwatched: Record<string, number | null>;
}

export interface Penalty {
  l1: number;
  l2: number;
  formula: Raw;
  slope: Raw;
  symbolic: Raw;
  symbolic_slope: Slope;
}

/** The words of one course, explained in network/notation.py. */
export interface Notation {
  name: string;
  sum: string;
  output: string;
  signal: string;
  target: string;
  error: string;
  total_error: string;
  learning_rate: string;
  new_prefix: string;
  new_suffix: string;
  times: string;
  times_set: string;
  power: string;
}

export type Rounding = "nearest" | "truncate";
export type Numbers = number[] | { float64: string };
type Ratio = [number[], number[]];

export interface Column {
  name: string;
  category: string | null;
  mean: number;
  scale: number;
}

export interface Data {
  format: number;
  name: string;
  notation: string;
  seed: number;
  erf: { small: Ratio; middle: Ratio; large: Ratio; small_below: number; middle_below: number };
  /** Sentences with places for their parts, as in "path {number}". */
  words: Record<string, string>;
  symptoms: Record<string, string>;
  thresholds: Record<"saturated" | "explodes" | "smallest" | "shown", number>;
  /** How much of a derivation is written out. */
  limits: Record<"paths" | "width" | "terms" | "examples" | "collapse" | "columns", number>;
  definitions: Record<string, Raw>;
  notations: Record<string, Notation>;
  greek: Record<string, string>;
  accented: Record<string, [letter: string, accent: "hat" | "bar"]>;
  /** Characters that LaTeX text cannot hold as they are. */
  latex: Record<string, string>;
  /** What ``count`` errors with this ``total`` come to. */
  reductions: Record<"sum" | "mean", Raw>;
  /** What an output that is not dropped is multiplied by. */
  kept: Raw;
  standardized: Raw;
  original: Raw;
  activations: Activation[];
  losses: Loss[];
  network: {
    inputs: { size: number; names: string[] | null };
    layers: Layer[];
    loss: number;
    over_outputs: "sum" | "mean";
    over_examples: "sum" | "mean";
  };
  parameters: Numbers;
  optimizer: Optimizer;
  penalty: Penalty | null;
  stopping: {
    cycles: number;
    tolerance: number;
    patience: number;
    target_loss: number | null;
    gradient_tolerance: number;
  };
  examples: { inputs: Numbers; targets: Numbers; weights: number[] | null; numbers: number[]; left_out: number };
  /** How many examples each step of ``train`` sees; the page's sees all, or one. */
  batch_size: number;
  columns: Column[] | null;
  file: Record<string, unknown> | null;
}

/** Many numbers travel as the bytes of their float64s. */
export function decoded(numbers: Numbers): Float64Array {
  if (Array.isArray(numbers)) return Float64Array.from(numbers);
  const text = atob(numbers.float64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  const view = new DataView(bytes.buffer);
  const values = new Float64Array(text.length / 8);
  for (let k = 0; k < values.length; k++) values[k] = view.getFloat64(8 * k, true);
  return values;
}
