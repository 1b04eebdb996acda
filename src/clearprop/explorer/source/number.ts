/* Numbers as they are shown: exactly as rendering/document.py shows them, from the exact value of the float. */

import type { Rounding } from "./data";

interface Exact {
  above: bigint;
  below: bigint;
}

/** The float as a fraction of whole numbers. */
function exact(value: number): Exact {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  const shift = (exponent || 1) - 1075;
  const signed = bits >> 63n ? -mantissa : mantissa;
  return shift >= 0 ? { above: signed << BigInt(shift), below: 1n } : { above: signed, below: 1n << BigInt(-shift) };
}

const magnitude = (n: bigint): bigint => (n < 0n ? -n : n);
const power = (digits: number): bigint => 10n ** BigInt(digits);

/** The fraction in units of 10^-digits. */
function quantized({ above, below }: Exact, digits: number, rounding: Rounding): bigint {
  const scaled = magnitude(above) * power(digits);
  let units = scaled / below;
  const twice = 2n * (scaled - units * below);
  if (rounding === "nearest" && (twice > below || (twice === below && units % 2n === 1n))) units += 1n;
  return above < 0n ? -units : units;
}

function written(units: bigint, digits: number): string {
  const text = magnitude(units).toString().padStart(digits + 1, "0");
  const sign = units < 0n ? "-" : "";
  return digits ? `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}` : sign + text;
}

const stripped = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** Whether what is shown is the value to within 1e-12, relative to values above 1. */
function isShort({ above, below }: Exact, units: bigint, digits: number, relative: boolean): boolean {
  const scale = power(digits);
  const off = magnitude(above * scale - units * below) * power(12);
  const one = below * scale;
  const size = magnitude(above) * scale;
  return off <= (relative && size > one ? size : one);
}

/** A number with so many decimals; a short decimal is shown short, what would show as zero in scientific form. */
export function shownNumber(value: number, digits: number, rounding: Rounding): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const fraction = exact(value);
  if (Math.abs(value) < 1e9) {
    const short = quantized(fraction, digits, "nearest");
    if (short !== 0n && isShort(fraction, short, digits, true)) return stripped(written(short, digits));
    const shown = quantized(fraction, digits, rounding);
    if (shown !== 0n) return written(shown, digits);
  }
  return scientific(fraction, digits, rounding);
}

function scientific(fraction: Exact, digits: number, rounding: Rounding): string {
  let exponent = adjusted(fraction);
  const whole =
    exponent >= 0
      ? { above: fraction.above, below: fraction.below * power(exponent) }
      : { above: fraction.above * power(-exponent), below: fraction.below };
  let mantissa = quantized(whole, digits, rounding);
  const near = isShort(whole, mantissa, digits, false);
  if (magnitude(mantissa) >= 10n * power(digits)) {
    mantissa /= 10n;
    exponent += 1;
  }
  const text = written(mantissa, digits);
  return `${near ? stripped(text) : text}e${exponent}`;
}

/** The exponent of the first digit. */
function adjusted({ above, below }: Exact): number {
  const size = magnitude(above);
  let exponent = size.toString().length - below.toString().length;
  const tooLarge = exponent >= 0 ? size < below * power(exponent) : size * power(-exponent) < below;
  if (tooLarge) exponent -= 1;
  return exponent;
}

/** A count with its thousands apart. (What a browser has for that takes 30 ms at its first call.) */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 cycle", "1,200 cycles". */
export const counted = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

/** The shortest text that reads back as the same number. */
export function plainNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
