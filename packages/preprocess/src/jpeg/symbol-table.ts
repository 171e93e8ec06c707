import { keepRecent } from '../recent.ts';
import type { HuffmanCodes } from './header.ts';

/** Bits that are looked up at once; wasm/jpeg/entropy.ts says what a table looks like. */
const peekBits = 10;
const limitsAt = 1 << peekBits;
/** Where the entries of codes with 11 to 16 bits stand. */
const longCodesAt = limitsAt + 2 * (16 - peekBits);
const tableLength = longCodesAt + 256;

/** Bytes of a table of symbols. */
export const symbolTableBytes = 4 * tableLength;

/** Bytes of a table of pairs. */
export const pairTableBytes = 8 * 2 ** peekBits;

/** Beyond any place in a block. */
const endMove = 128;
const longRun = 0xf0;

/** The largest sizes of a difference of means and of a coefficient in a baseline picture (T.81, F.1.2). */
const maxSize = { dc: 11, ac: 10 };

/** How far a symbol moves the place in the block, with the coefficient that it announces. */
function moveOf(symbol: number, kind: 'dc' | 'ac'): number {
  if (kind === 'dc') return 1;
  return (symbol & 15) === 0 && symbol !== longRun ? endMove : (symbol >> 4) + 1;
}

function entryOf(symbol: number, length: number, kind: 'dc' | 'ac'): number {
  const size = symbol & 15;
  return (length + size) | (moveOf(symbol, kind) << 8) | (size << 16) | (length << 24);
}

function build({ counts, symbols }: HuffmanCodes, kind: 'dc' | 'ac'): Int32Array | false {
  const table = new Int32Array(tableLength);
  let [code, next] = [0, 0];
  for (let length = 1; length <= 16; length++, code <<= 1) {
    const count = counts[length - 1] as number;
    if (code + count > 1 << length) return false;
    if (length > peekBits) {
      const at = limitsAt + 2 * (length - peekBits - 1);
      table[at] = (code + count) << (16 - length);
      table[at + 1] = 4 * (longCodesAt + next - code);
    }
    for (let i = 0; i < count; i++, next++, code++) {
      const symbol = symbols[next] as number;
      if ((kind === 'dc' ? symbol : symbol & 15) > maxSize[kind]) return false;
      const entry = entryOf(symbol, length, kind);
      if (length > peekBits) table[longCodesAt + next] = entry;
      else table.fill(entry, code << (peekBits - length), (code + 1) << (peekBits - length));
    }
  }
  return table;
}

interface Read {
  bits: number;
  move: number;
  number: number;
}

/** The symbol at the beginning of `count` bits and the number behind it; null where they are too few. */
function read(table: Int32Array, bits: number, count: number): Read | null {
  const entry = table[count < peekBits ? bits << (peekBits - count) : bits >> (count - peekBits)] as number;
  const [taken, size] = [entry & 0xff, (entry >> 16) & 0xff];
  if (entry === 0 || taken > count) return null;
  const number = (bits >> (count - taken)) & ((1 << size) - 1);
  const isPositive = size === 0 || number >> (size - 1) === 1;
  return { bits: taken, move: (entry >> 8) & 0xff, number: isPositive ? number : number - (1 << size) + 1 };
}

function pairUp(table: Int32Array): Int32Array {
  const pairs = new Int32Array(pairTableBytes / 4);
  for (let bits = 0; bits < 1 << peekBits; bits++) {
    const first = read(table, bits, peekBits);
    if (!first) continue;
    const left = peekBits - first.bits;
    const next = first.move === endMove ? null : read(table, bits & ((1 << left) - 1), left);
    const second = next ?? { bits: 0, move: 0, number: first.number };
    pairs[2 * bits] = (first.bits + second.bits) | (first.bits << 8) | (first.move << 16) | (second.move << 24);
    pairs[2 * bits + 1] = (first.number & 0xffff) | (second.number << 16);
  }
  return pairs;
}

interface Tables {
  symbols: Int32Array;
  pairs: Int32Array;
}

const recent = keepRecent<Tables | false>((tables) =>
  tables ? tables.symbols.byteLength + tables.pairs.byteLength : 0,
);

/** Bytes that this thread keeps of them. */
export const keptSymbolBytes = () => recent.bytes();

/** The tables for a table of Huffman codes, with offsets from their own start; false when the codes make no sense. */
function tablesFor({ counts, symbols }: HuffmanCodes, kind: 'dc' | 'ac'): Tables | false {
  const key = `${kind} ${Buffer.concat([counts, symbols]).toString('latin1')}`;
  return recent(key, () => {
    const table = build({ counts, symbols }, kind);
    return table && { symbols: table, pairs: kind === 'ac' ? pairUp(table) : new Int32Array() };
  });
}

/**
 * Writes a table of symbols into the kernels' memory.
 *
 * @returns whether the codes make sense
 */
export function writeSymbolTable(memory: ArrayBuffer, place: number, codes: HuffmanCodes, kind: 'dc' | 'ac'): boolean {
  const tables = tablesFor(codes, kind);
  if (!tables) return false;
  const target = new Int32Array(memory, place, tableLength);
  target.set(tables.symbols);
  for (let at = limitsAt + 1; at < longCodesAt; at += 2) target[at] = (target[at] as number) + place;
  return true;
}

/** Writes the table of pairs of coefficients that belongs to a table of symbols. */
export function writePairTable(memory: ArrayBuffer, place: number, codes: HuffmanCodes): boolean {
  const tables = tablesFor(codes, 'ac');
  if (tables) new Int32Array(memory, place).set(tables.pairs);
  return tables !== false;
}
