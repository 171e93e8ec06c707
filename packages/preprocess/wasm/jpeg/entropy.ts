// Huffman codes → coefficients (T.81, annex F).
//
// A table of symbols has an entry [bits u8, move u8, size u8, length u8] for every 10 bits of the stream: bits to take in all, how far the
// place in the block moves, the size of the number that follows the code, and the length of the code. Where the code is longer than 10
// bits the entry is 0. Behind the 2^10 entries stand, for lengths from 11 to 16, [limit, first] u32: the code and what follows it, 16 bits
// in all, is below the limit; its entry stands at `first` + 4 · code.
//
// A table of pairs has [bits u8, bits of the first u8, move u8, second move u8, number i16, second number i16] for every 10 bits: two
// symbols with their numbers, or one, and the second is the first again, without a move; or 0 where 10 bits are too few.

import { Component, gap, peekBits } from './layout';

/** What the end of a block moves the place in the block by: beyond any run. */
const endMove: i32 = 128;

/** Of the mean of a block, in the smallest steps there are. */
const mostPredicted: i32 = 1 << 11;

// The bit reader: `bits` holds the next `bitCount` bits, from the top; more come from `at`.
let bits: u64 = 0;
let bitCount: u64 = 0;
let at: usize = 0;

/** The next eight bytes, the first one on top. */
function loadBits(from: usize): u64 {
  const bytes = v128.load64_zero(from);
  return i64x2.extract_lane(v128.shuffle<u8>(bytes, bytes, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0), 0);
}

/** @param from where the compressed bytes of a segment stand */
export function startReading(from: usize): void {
  bits = 0;
  bitCount = 0;
  at = from;
}

/** Whether the reader went so far beyond the end of a segment that only damage explains it. */
export function isBeyond(end: usize): bool {
  return at > end + gap;
}

/** Whether a segment was read to its end, and not beyond. */
export function isAtEnd(end: usize): bool {
  return at - usize(bitCount >> 3) == end;
}

/**
 * What a code of more than `peekBits` bits says, in the form of a table's entry; 0 for bits that are no code.
 *
 * @param code the next 16 bits
 */
function findLongCode(table: usize, code: u32): i32 {
  let limits = table + (4 << (peekBits as u32));
  for (let length = (peekBits as i32) + 1; length <= 16; length++, limits += 8)
    if (code < load<u32>(limits)) return load<i32>(load<u32>(limits, 4) + ((code >> (16 - length)) << 2));
  return 0;
}

/** The number behind a code: `size` bits, of which the first says whether it is positive (T.81, F.2.2.1). */
function readNumber(b: u64, entry: i32): i32 {
  const size = (entry >> 16) & 0xff;
  const number = i32(((b << u64(entry >> 24)) >> 1) >> u64(63 - size));
  return number - select<i32>((1 << size) - 1, 0, number < (1 << size) >> 1);
}

/** Reads the mean of a block: the difference to the one before. */
function readMean(c: Component): bool {
  bits |= loadBits(at) >> bitCount;
  at += usize((63 - bitCount) >> 3);
  bitCount |= 56;
  let entry = load<i32>(c.dc + (usize(bits >> (64 - peekBits)) << 2));
  if (entry == 0) {
    entry = findLongCode(c.dc, u32(bits >> 48));
    if (entry == 0) return false;
  }
  c.predicted += readNumber(bits, entry);
  bits <<= u64(entry & 0xff);
  bitCount -= u64(entry & 0xff);
  return true;
}

/**
 * Reads the coefficients of a block into `block`, which is all zeros, as they stand in the file: not yet times their quantisation.
 *
 * @returns 0 when there is nothing but the mean, 1 when there is more, −1 for bits that mean nothing
 */
export function readBlock(c: Component, order: usize, block: usize): i32 {
  if (!readMean(c) || c.predicted > mostPredicted || c.predicted < -mostPredicted) return -1;
  store<i16>(block, c.predicted);
  const pairs = c.pairs;
  let b = bits;
  let n = bitCount;
  let from = at;
  let k = 1;
  let first = 1;
  while (k < 64) {
    if (n < peekBits) {
      b |= loadBits(from) >> n;
      from += usize((63 - n) >> 3);
      n |= 56;
    }
    const pair = load<u64>(pairs + (usize(b >> (64 - peekBits)) << 3));
    if (pair != 0) {
      first = k + i32((pair >> 16) & 0xff);
      k = first + i32((pair >> 24) & 0xff);
      store<i16>(block + load<u8>(order + first - 1), i32(pair >> 32));
      store<i16>(block + load<u8>(order + k - 1), i32(pair >> 48));
      if (first == 64) {
        // A block that is full has no end: the second of the pair belongs to the next one.
        b <<= (pair >> 8) & 0xff;
        n -= (pair >> 8) & 0xff;
        k = 64;
        break;
      }
      b <<= pair & 0xff;
      n -= pair & 0xff;
    } else {
      b |= loadBits(from) >> n;
      from += usize((63 - n) >> 3);
      n |= 56;
      let entry = load<i32>(c.ac + (usize(b >> (64 - peekBits)) << 2));
      if (entry == 0) {
        entry = findLongCode(c.ac, u32(b >> 48));
        if (entry == 0) return -1;
      }
      k += (entry >> 8) & 0xff;
      first = k;
      store<i16>(block + load<u8>(order + k - 1), readNumber(b, entry));
      b <<= u64(entry & 0xff);
      n -= u64(entry & 0xff);
    }
  }
  bits = b;
  bitCount = n;
  at = from;
  const isBeyondBlock = (first > 64 && first < endMove) || (k > 64 && k < endMove);
  if (isBeyondBlock) return -1;
  return k == endMove + 1 ? 0 : 1;
}
