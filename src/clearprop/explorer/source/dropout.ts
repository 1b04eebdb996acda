/* Which outputs are dropped: the same hash of (seed, step, layer, unit, example) as propagation/dropout.py. */

const BITS = (1n << 64n) - 1n;

/** splitmix64's finalizer. Source: Steele, Lea and Flood 2014. */
function mixed(bits: bigint): bigint {
  bits = (bits + 0x9e3779b97f4a7c15n) & BITS;
  bits = ((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n) & BITS;
  bits = ((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn) & BITS;
  return bits ^ (bits >> 31n);
}

/** The factors on the outputs of one layer, example after example; ``examples`` are positions from 0. */
export function mask(dropout: number, kept: number, seed: number, step: number, layer: number, units: number, examples: number[]): Float64Array {
  const key = [seed, step, layer].reduce((bits, part) => mixed(bits ^ (BigInt(part) & BITS)), 0n);
  const found = new Float64Array(units * examples.length);
  examples.forEach((example, row) => {
    const of = mixed(key ^ BigInt(example));
    for (let unit = 0; unit < units; unit++) {
      const uniform = Number(mixed(of ^ mixed(BigInt(unit))) >> 11n) * 2 ** -53;
      found[row * units + unit] = uniform >= dropout ? kept : 0;
    }
  });
  return found;
}
