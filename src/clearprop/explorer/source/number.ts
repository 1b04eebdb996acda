/* Numbers as they are shown: exactly as Python shows them, from the exact value of the float. */

import type { Rounding } from "./data";

/** Digits after the point that are computed with: every float that is near a shorter decimal is exact with them. */
const EXACT = 100;
const power = (digits: number): bigint => 10n ** BigInt(digits);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const wholeOf = (decimal: string): bigint => BigInt(decimal.replace(".", ""));

/** A decimal of 100 digits after its point, with fewer. */
function quantized(exact: bigint, digits: number, rounding: Rounding): bigint {
  const unit = power(EXACT - digits);
  const [units, rest] = [exact / unit, exact % unit];
  const isUp = rounding === "nearest" && (2n * rest > unit || (2n * rest === unit && units % 2n === 1n));
  return isUp ? units + 1n : units;
}

function written(units: bigint, digits: number): string {
  const text = units.toString().padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

const stripped = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** Whether the shorter decimal is the exact one to within 1e-12 of the size given. */
function isShort(exact: bigint, units: bigint, digits: number, size: bigint): boolean {
  const off = exact - units * power(EXACT - digits);
  return (off < 0n ? -off : off) * power(12) <= size;
}

/** A number with that many decimals; a short decimal is shown short, a small number in scientific form. */
export function shownNumber(value: number, digits: number, rounding: Rounding): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const sign = value < 0 ? "-" : "";
  const size = Math.abs(value);
  if (size >= Math.min(1e-4, Number(`1e${1 - digits}`)) && size < 1e9) {
    const exact = wholeOf(size.toFixed(EXACT));
    const short = quantized(exact, digits, "nearest");
    if (short !== 0n && isShort(exact, short, digits, larger(power(EXACT), exact))) return sign + stripped(written(short, digits));
    const shown = quantized(exact, digits, rounding);
    if (shown !== 0n) return sign + written(shown, digits);
  }
  return sign + scientific(size, digits, rounding);
}

function scientific(size: number, digits: number, rounding: Rounding): string {
  const [decimal, exponent] = size.toExponential(EXACT).split("e") as [string, string];
  const exact = wholeOf(decimal);
  const mantissa = quantized(exact, digits, rounding);
  const isCarried = mantissa >= 10n * power(digits);
  const text = written(isCarried ? mantissa / 10n : mantissa, digits);
  return `${isShort(exact, mantissa, digits, power(EXACT)) ? stripped(text) : text}e${Number(exponent) + Number(isCarried)}`;
}

/** A count with its thousands apart. (What a browser has for that takes 30 ms at its first call.) */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 cycle", "1,200 cycles". */
export const counted = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

/** "both rows" of two, "all 3 rows" of more, as messages.every in Python. */
export const every = (count: number, noun: string): string => (count === 2 ? `both ${noun}s` : `all ${grouped(count)} ${noun}s`);

/** The shortest text that reads back as the same number. */
export function plainNumber(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace("e+", "e");
}
