/* The data of the page, as explorer/export.py writes them. */

/** An expression of a rule: a number, a symbol, or an operator with its arguments. */
export type Raw = number | string | [string, ...Raw[]];

type Raws<Name extends string> = Record<Name, Raw>;

/** ``simplified`` is computed; ``raw`` and ``written`` are read. */
export interface Slope extends Raws<"raw" | "simplified" | "written"> {
  rules: string[];
}

type Bounds = [number | null, number | null] | null;

interface Named {
  name: string;
  /** The name, with those constants that are not the usual ones. */
  label: string;
}

export interface ScalarActivation extends Named, Raws<"formula" | "printed_slope"> {
  kind: "scalar";
  bounds: Bounds;
  steepest: number;
  slope: Slope;
}

/** ``total`` is the sum over the layer: of the terms in the output, of the shares in the signal. The diagonal is
    ∂y_k/∂z_j for j = k; off it stands any other j, whose output is ``other``. */
export interface SoftmaxActivation extends Named, Raws<"term" | "output" | "diagonal" | "off_diagonal" | "share" | "signal"> {
  kind: "softmax";
  bounds: Bounds;
}

export type Activation = ScalarActivation | SoftmaxActivation;

/** A loss with its share of the outputs, as it is differentiated. */
export interface SharedLoss extends Slope {
  error: Raw;
}

interface FusedScalar extends Raws<"error" | "signal"> {
  kind: "scalar";
  shown: Raws<"plain" | "counted">;
}

/** Of sums from which the largest is taken; ``log_total`` is log Σ_j e^z_j of those, ``whole`` Σ_k t_k. */
export interface FusedSoftmax extends Raws<"output" | "error" | "signal" | "diagonal" | "off_diagonal"> {
  kind: "softmax";
  shown: Raws<"plain" | "counted">;
  /** ∂E_k/∂z_j and the error signal with their share of the outputs, as they are written. */
  shared: Record<"diagonal" | "off_diagonal" | "signal", Raws<"plain" | "counted">>;
}

export type Fused = FusedScalar | FusedSoftmax;

export interface Loss extends Named, Raws<"formula" | "slope" | "written_slope"> {
  targets: Bounds;
  sums_to_one: boolean;
  misfits: (string | null)[];
  fused: Record<string, Fused>;
  plain: SharedLoss;
  counted: SharedLoss;
}

export interface Layer {
  size: number;
  names: string[];
  activation: number;
  bias: "unit" | "shared" | "none";
  /** Null where the weights are numbered through the network, these from ``weights_before`` on. */
  weight_names: string[][] | null;
  weights_before: number;
  bias_names: string[];
  train_bias: boolean;
  dropout: number;
}

export interface Optimizer {
  name: string;
  rate: number;
  assignments: [string, Raw][];
  constants: Record<string, number>;
  state: Record<string, number>;
  clip_value: number | null;
  bounded: Raw;
  /** The factor on the gradient, from its ``norm``. */
  clip_factor: Raw;
  /** What is clipped by one norm: the names of that and of its factor, the first parameter and the one after the last. */
  together: [string, string, number, number][];
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

export type OverExamples = "sum" | "mean" | "weighted_mean";

export interface PenaltyTrees extends Raws<"formula"> {
  symbolic_slope: Slope;
}

/** Divided by the number of examples if that is how it is; ``alone`` is what it is in a batch of one. */
export interface Penalty extends PenaltyTrees, Raws<"slope"> {
  l1: number;
  l2: number;
  divide_by_examples: boolean;
  alone: PenaltyTrees;
}

/** The words of one course, explained in network/notation.py. */
export type Notation = Record<
  | "name" | "sum" | "output" | "signal" | "target" | "error" | "total_error" | "learning_rate" | "new_prefix" | "new_suffix"
  | "times" | "times_set" | "power",
  string
>;

export type Rounding = "nearest" | "truncate";
export type Numbers = number[] | { float64: string };
type Ratio = [number[], number[]];

export interface Column {
  name: string;
  category: string | null;
  mean: number;
  scale: number;
}

/** What was fitted on one column, by which rows become inputs. */
export interface FittedColumn {
  name: string;
  categories: string[] | null;
  mean: number;
  scale: number;
  fill: string | number | null;
  /** The sign of a currency, or %. */
  unit: string;
}

/** What was fitted on a table; ``classes`` are in the order of the outputs, and ``numbers`` says that they are such. */
export interface FittedTable {
  columns: FittedColumn[];
  /** The names of the columns in the order of the table. */
  order: string[];
  targets: { name: string; mean: number; scale: number; unit: string }[];
  classes: string[] | null;
  numbers: boolean;
  class_weights: number[];
  weight_column: string | null;
  na: string[];
  decimal: string | null;
}

export interface Data {
  format: number;
  name: string;
  /** What was assumed or folded where the network was read from another framework's file. */
  remarks: string[];
  notation: string;
  seed: number;
  erf: { small: Ratio; middle: Ratio; large: Ratio; small_below: number; middle_below: number };
  /** Sentences with places for their parts, as in "path {number}". */
  words: Record<string, string>;
  symptoms: Record<string, string>;
  thresholds: Record<"saturated" | "explodes" | "smallest" | "shown", number>;
  /** How much of a derivation is written out. */
  limits: Record<"paths" | "signals" | "width" | "terms" | "examples" | "collapse" | "columns", number>;
  definitions: Record<string, Raw>;
  notations: Record<string, Notation>;
  /** Begins the names of numbered weights. */
  weight: string;
  greek: Record<string, string>;
  state_words: Record<string, string>;
  accented: Record<string, [letter: string, accent: "hat" | "bar"]>;
  /** Characters that LaTeX text cannot hold as they are. */
  latex: Record<string, string>;
  /** The error of ``count`` examples with this ``total``. */
  reductions: Record<OverExamples, Raw>;
  /** The factor on an output that is not dropped. */
  kept: Raw;
  standardized: Raw;
  /** How numbers are written with a decimal point, and with a decimal comma, as regular expressions. */
  written: [string, string];
  original: Raw;
  activations: Activation[];
  losses: Loss[];
  network: {
    inputs: { size: number; names: string[] };
    layers: Layer[];
    loss: number;
    over_outputs: "sum" | "mean";
    over_examples: OverExamples;
  };
  /** The names of hyperparameters that are not called as they are. */
  called: Record<string, string>;
  parameters: Numbers;
  optimizer: Optimizer;
  penalty: Penalty | null;
  stopping: Record<"cycles" | "tolerance" | "patience" | "gradient_tolerance", number> & { target_loss: number | null; relative: boolean; improvement: [string, Raw][] | null };
  examples: { inputs: Numbers; targets: Numbers; weights: number[] | null; numbers: number[]; left_out: number };
  /** How many examples each step of ``train`` sees; the page's sees all, or one. */
  batch_size: number;
  /** Whether the outputs tell classes apart. */
  isClassifier: boolean;
  table: FittedTable | null;
  columns: Column[] | null;
  /** The columns behind the targets, where those are standardized or classes. */
  target_columns: Column[] | null;
  file: Record<string, unknown> | null;
}

/** Many numbers travel as the bytes of their float64s. */
export function decoded(numbers: Numbers): Float64Array {
  if (Array.isArray(numbers)) return Float64Array.from(numbers);
  return new Float64Array(Uint8Array.from(atob(numbers.float64), (byte) => byte.charCodeAt(0)).buffer);
}
