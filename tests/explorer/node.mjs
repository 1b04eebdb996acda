/* Evaluates what a test asks for with the bundle's functions, without a browser: one request to a line, one answer. */

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

globalThis.document = { getElementById: () => null }; // there is no page to start in
const { api } = await import(pathToFileURL(process.argv[2]).href);
globalThis.clearprop = api;

/** JSON has no word for numbers that are not finite. */
const written = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value);

for await (const line of createInterface({ input: process.stdin })) {
  const { script, argument } = JSON.parse(line);
  let answer;
  try {
    const found = (0, eval)(script);
    answer = { value: (typeof found === "function" ? found(argument) : found) ?? null };
  } catch (error) {
    answer = { fault: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer, written)}\n`);
}
