/* Expressions about quantities: a rule's expression with its roles played by particular quantities. */

import type { Raw } from "./data";
import { named, type Quantity } from "./quantity";

/** A symbol's key: a quantity, plain words, or several of these. */
export type Key = string | Quantity | Key[];

export class Sym {
  constructor(readonly key: Key) {}
}

export const isQuantity = (key: Key): key is Quantity => typeof key === "object" && !Array.isArray(key);

export class App {
  constructor(
    readonly operator: string,
    readonly parts: Tree[],
  ) {}
}

/** A number that was put in for a quantity, which it still points to. */
export class Val {
  constructor(
    readonly value: number,
    readonly of: Quantity,
  ) {}
}

export type Tree = number | Val | Sym | App;
export type Places = Record<string, Quantity | Tree>;

/** A rule's expression in which quantities or whole expressions play the roles. */
export function placed(raw: Raw, places: Places): Tree {
  if (typeof raw === "number") return raw;
  if (typeof raw !== "string") {
    const [operator, ...rest] = raw;
    return new App(operator, rest.map((part) => placed(part, places)));
  }
  const place = places[raw] ?? new Sym(raw.startsWith("#") ? named(raw.slice(1)) : raw);
  return typeof place === "object" && "kind" in place ? new Sym(place) : place;
}

/** The tree with the number of every quantity put in for it. */
export function withNumbers(tree: Tree, value: (quantity: Quantity) => number): Tree {
  if (tree instanceof Sym) return isQuantity(tree.key) ? new Val(value(tree.key), tree.key) : tree;
  return tree instanceof App ? new App(tree.operator, tree.parts.map((part) => withNumbers(part, value))) : tree;
}

/** The number that a tree is, or null. */
export function numberIn(tree: Tree): number | null {
  return typeof tree === "number" ? tree : tree instanceof Val ? tree.value : null;
}

export function same(a: Tree, b: Tree): boolean {
  const number = numberIn(a);
  if (number !== null) return number === numberIn(b);
  if (a instanceof Sym) return b instanceof Sym && idOf(a.key) === idOf(b.key);
  if (!(a instanceof App) || !(b instanceof App) || a.operator !== b.operator || a.parts.length !== b.parts.length) return false;
  return a.parts.every((part, k) => same(part, b.parts[k]!));
}

const idOf = (key: Key): string => (Array.isArray(key) ? key.map(idOf).join() : isQuantity(key) ? key.id : `"${key}`);

export const sym = (key: Key): Sym => new Sym(key);
export const add = (...terms: Tree[]): Tree => (terms.length === 1 ? terms[0]! : new App("+", terms));
export const multiply = (...factors: Tree[]): Tree => (factors.length === 1 ? factors[0]! : new App("*", factors));
export const divide = (above: Tree, below: Tree): Tree => new App("/", [above, below]);
