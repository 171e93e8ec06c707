/** A random stream that is fully determined by its seeds, so that nothing but (seed, purpose, epoch, index) needs saving to resume. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  uniform(low: number, high: number): number;
  /** Integer in [0, n). */
  int(n: number): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T;
}

/** SplitMix32 finaliser: spreads every input bit over the output (Steele, Lea, Flood 2014). */
function mix(x: number): number {
  let h = (x + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

function hashSeed(seed: number | string, state: number): number {
  if (typeof seed === 'number') return mix(mix(state ^ (seed | 0)) ^ Math.floor(seed / 2 ** 32));
  let h = state;
  for (let i = 0; i < seed.length; i++) h = mix(h ^ seed.charCodeAt(i));
  return h;
}

/** Folds seeds into one 32-bit integer; different lists give unrelated results. */
export function combineSeeds(...seeds: (number | string)[]): number {
  return seeds.reduce<number>((state, seed) => hashSeed(seed, state), seeds.length);
}

/**
 * Opens the stream that the seeds name (xoshiro128**, Blackman and Vigna 2018).
 *
 * @example createRandom(42, 'augment', epoch, sampleIndex).uniform(-15, 15)
 */
export function createRandom(...seeds: (number | string)[]): Random {
  let state = combineSeeds(...seeds);
  const word = () => (state = mix(state));
  let [a, b, c, d] = [word(), word(), word(), word() | 1];
  const next32 = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const next = () => ((next32() >>> 5) * 2 ** 26 + (next32() >>> 6)) / 2 ** 53;
  const int = (n: number) => Math.floor(next() * n);
  return {
    next,
    int,
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
      return items;
    },
  };
}
