/** Uniform integers below n, from a seeded stream. */
export type Pick = (below: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function seededPick(seed: number): Pick {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Values at which readers of lengths and numbers go wrong, little-endian. */
const numbers = [
  0n,
  1n,
  -1n,
  -12n,
  127n,
  128n,
  255n,
  256n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
];
const texts = [
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  '[[[[[[[[',
  ',',
  ':',
  '\n',
  '\r',
  '\0',
  '\ufeff',
  '&a *a',
  '../',
  '__proto__',
  '1e999',
  '-12',
  'NaN',
  'null',
];

type Change = (bytes: Buffer, pick: Pick, other: Buffer) => Buffer;

const at = (bytes: Buffer, pick: Pick) => pick(bytes.length + 1);

function insert(bytes: Buffer, position: number, part: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, position), part, bytes.subarray(position)]);
}

function overwrite(bytes: Buffer, position: number, part: Uint8Array): Buffer {
  const changed = Buffer.from(bytes);
  changed.set(part.subarray(0, Math.max(0, bytes.length - position)), Math.min(position, bytes.length));
  return changed;
}

function numberBytes(pick: Pick): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, numbers[pick(numbers.length)] as bigint));
  return bytes.subarray(0, [1, 2, 4, 8][pick(4)]);
}

const slice = (bytes: Buffer, pick: Pick): Buffer => {
  const start = at(bytes, pick);
  return bytes.subarray(start, start + 1 + pick(32));
};

const changes: readonly Change[] = [
  (bytes, pick) => overwrite(bytes, at(bytes, pick), Buffer.of(pick(256))),
  (bytes, pick) => {
    const [position, flip] = [at(bytes, pick), 1 << pick(8)];
    return overwrite(bytes, position, Buffer.of((bytes[position] ?? 0) ^ flip));
  },
  (bytes, pick) => overwrite(bytes, at(bytes, pick), numberBytes(pick)),
  (bytes, pick) => insert(bytes, at(bytes, pick), numberBytes(pick)),
  (bytes, pick) => insert(bytes, at(bytes, pick), Buffer.from(texts[pick(texts.length)] as string)),
  (bytes, pick) => insert(bytes, at(bytes, pick), slice(bytes, pick)), // something twice
  (bytes, pick, other) => insert(bytes, at(bytes, pick), slice(other, pick)),
  (bytes, pick) => {
    const position = at(bytes, pick);
    return Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + 1 + pick(16))]);
  },
  (bytes, pick) => bytes.subarray(0, at(bytes, pick)),
  (bytes, pick) => {
    const part = slice(bytes, pick);
    return insert(bytes, at(bytes, pick), Buffer.concat(Array.from({ length: 1 + pick(200) }, () => part)));
  },
];

/** One of the seeds with one to four changes. */
export function mutate(seeds: readonly Buffer[], pick: Pick): Buffer {
  let bytes = seeds[pick(seeds.length)] as Buffer;
  const other = seeds[pick(seeds.length)] as Buffer;
  for (let left = 1 + pick(4); left > 0; left--) bytes = (changes[pick(changes.length)] as Change)(bytes, pick, other);
  return bytes;
}
