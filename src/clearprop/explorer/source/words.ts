/* The words and limits of derivations, and the signs that training goes wrong: Python states them
   (derivation/words.py, derivation/symptoms.py), and hands them over with the data. */

import type { Data } from "./data";

export type Parts = Record<string, string | number>;

let known: Pick<Data, "words" | "limits">;

export function useWords(data: Data): void {
  known = data;
}

export const limits = (): Data["limits"] => known.limits;

/** The sentence of that name with its parts filled in. */
export function words(key: string, parts: Parts = {}): string {
  return filledIn(known.words[key]!, parts);
}

export function filledIn(sentence: string, parts: Parts): string {
  return sentence.replace(/\{(\w+)(?::[^}]*)?\}/g, (_, name: string) => shown(parts[name]!));
}

/** A number that is not finite, in Python's words. */
const shown = (part: string | number): string => (typeof part === "string" ? part : String(part).replace("Infinity", "inf").replace("NaN", "nan"));
