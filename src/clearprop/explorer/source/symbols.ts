/* How names and quantities are set: which letter, what stands below it, what is a fraction. Each format says what
   a letter, a subscript or a fraction looks like. */

import type { Names } from "./network";
import type { Quantity } from "./quantity";
import { isQuantity, type Key } from "./tree";

export interface Pieces<T> {
  italic(letter: string): T;
  word(word: string): T;
  text(text: string): T;
  digits(digits: string): T;
  row(...parts: T[]): T;
  /** The lines of a long name, one below the other. */
  stacked(lines: T[]): T;
  below(base: T, index: T): T;
  raised(base: T, mark: string): T;
  accent(letter: string, accent: "hat" | "bar"): T;
  fraction(above: T, below: T): T;
  partial(shown: T): T;
  /** A difference in parentheses. */
  without(whole: T, part: T): T;
  linked(shown: T, quantity: Quantity): T;
}

const [LONG, LINE] = [32, 24];

/** A long name in lines, which end after an underscore or a space where there is one. */
export function inLines(name: string): string[] {
  if ([...name].length <= LONG) return [name];
  const lines: string[][] = [[]];
  for (const word of name.match(/[^_ ]*[_ ]+|[^_ ]+/gu) ?? []) {
    const characters = [...word];
    for (let start = 0; start < characters.length; start += LINE) {
      const part = characters.slice(start, start + LINE);
      if (lines.at(-1)!.length + part.length > LINE) lines.push([]);
      lines.at(-1)!.push(...part);
    }
  }
  return lines.map((line) => line.join(""));
}

export class Symbols<T> {
  constructor(
    readonly names: Names,
    readonly pieces: Pieces<T>,
  ) {}

  write(key: Key): T {
    if (Array.isArray(key)) return this.pieces.row(...key.map((part) => this.write(part)));
    if (!isQuantity(key)) return this.pieces.text(key);
    return this.pieces.linked(this.quantity(key), key);
  }

  /** Whether it is raised already or a fraction: it takes parentheses to be raised. */
  isCompound(key: Key): boolean {
    if (!isQuantity(key)) return Array.isArray(key);
    if (key.kind === "derivative") return !this.names.isSignal(key);
    return key.kind === "updated" || (key.kind === "named" && key.name.startsWith("1/"));
  }

  private quantity(quantity: Quantity): T {
    const { names, pieces: p } = this;
    const { network, words } = names;
    const { layer, unit } = quantity;
    switch (quantity.kind) {
      case "target":
        return this.numbered(words.target, unit);
      case "sum":
        return this.ofUnit(words.sum, layer, unit);
      case "output":
        if (layer < 0) return this.subscripted(network.inputName(unit));
        return this.ofUnit(words.output, layer, unit);
      case "error":
        return this.numbered(words.error, unit);
      case "total":
        return this.indexed(words.total_error);
      case "penalty":
        return p.word("penalty");
      case "unpenalized":
        return p.without(this.indexed(words.total_error), p.word("penalty"));
      case "parameter":
        return this.subscripted(network.parameterName(unit));
      case "rate":
        return this.indexed(words.learning_rate);
      case "updated": {
        const of = this.quantity(quantity.of);
        const marked = words.new_suffix ? p.raised(of, words.new_suffix.normalize("NFKC")) : of; // ⁺ is a raised +
        return words.new_prefix ? p.row(p.word(words.new_prefix), marked) : marked;
      }
      case "state": {
        const accent = network.data.accented[quantity.name];
        const letter = accent ? p.accent(...accent) : this.upright(network.data.state_words[quantity.name] ?? quantity.name);
        return p.below(letter, this.inner(network.parameterName(unit)));
      }
      case "named":
        return this.named(names.text(quantity));
      case "derivative":
        if (names.isSignal(quantity)) return this.ofUnit(words.signal, quantity.by.layer, quantity.by.unit);
        return p.fraction(p.partial(this.quantity(quantity.of)), p.partial(this.quantity(quantity.by)));
    }
  }

  private numbered(word: string, index: number): T {
    return this.pieces.below(this.upright(word), this.pieces.digits(String(index + 1)));
  }

  private ofUnit(word: string, layer: number, unit: number): T {
    return this.pieces.below(this.upright(word), this.inner(this.names.network.unitName(layer, unit)));
  }

  /** A name in one piece. */
  private upright(name: string): T {
    const { pieces: p } = this;
    if (/^\p{L}$/u.test(name)) return p.italic(name);
    const isWord = /^[\p{L}\p{N}_]+$/u.test(name);
    const lines = inLines(name).map((line) => (isWord ? p.word(line) : p.text(line)));
    return lines.length === 1 ? lines[0]! : p.stacked(lines);
  }

  /** w5 → w with 5 below, h1_1 → h with 1,1, b_h1 → b with h1. */
  private subscripted(name: string): T {
    const { pieces: p } = this;
    let match = /^(\p{L})(\d+)(?:_(\d+))?$/u.exec(name);
    if (match) return p.below(p.italic(match[1]!), this.indices(match[2]!, match[3]));
    match = /^(\p{L})_([\p{L}\p{N}_]+)$/u.exec(name);
    return match ? p.below(p.italic(match[1]!), this.inner(match[2]!)) : this.upright(name);
  }

  /** A notation's word, with what stands after _ below it. */
  private indexed(word: string): T {
    const [base, index] = word.split("_") as [string, string | undefined];
    return index === undefined ? this.upright(base) : this.pieces.below(this.upright(base), this.inner(index));
  }

  /** A name inside a subscript, which has no subscripts of its own. */
  private inner(name: string): T {
    const { pieces: p } = this;
    const two = /^(\p{L})(\d+)_(\d+)$/u.exec(name);
    if (two) return p.row(p.italic(two[1]!), this.indices(two[2]!, two[3]));
    const one = /^(\p{L}?)(\d*)$/u.exec(name);
    if (!one || !name) return this.upright(name);
    const parts = [one[1] ? p.italic(one[1]) : null, one[2] ? p.digits(one[2]) : null];
    return p.row(...parts.filter((part) => part !== null) as T[]);
  }

  private indices(first: string, second: string | undefined): T {
    const { pieces: p } = this;
    return second === undefined ? p.digits(first) : p.row(p.digits(first), p.digits(","), p.digits(second));
  }

  /** A hyperparameter, or the number of the step. */
  private named(name: string): T {
    const { pieces: p } = this;
    const [, word, digits] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
    const letter = this.names.network.data.greek[word ?? ""];
    if (letter) return this.subscripted(letter + digits!);
    const share = /^1\/(\d+)$/.exec(name);
    return share ? p.fraction(p.digits("1"), p.digits(share[1]!)) : this.upright(name);
  }
}
