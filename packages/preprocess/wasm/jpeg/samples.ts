// A block's samples, and a unit's chroma as other decoders interpolate it: only for blocks in which something may be cut off.

import { Block, blockOf, componentOf, Eight, eightOf, Scan } from './layout';

/** Products with 15 fractional bits fewer. What is relaxed are products of −1 and −1 alone, and no factor here is −1. */
export function times(values: v128, factors: v128): v128 {
  return i16x8.relaxed_q15mulr_s(values, factors);
}

/**
 * The inverse cosine transform along one axis, eight times side by side: row u of eight i16 becomes row j, in place. Five products, because what
 * is left of the rest was multiplied with the coefficients (Y. Arai, T. Agui, M. Nakajima, 1988).
 */
function transform(scan: Scan, at: usize): void {
  const s0 = v128.load(at, 0);
  const s1 = v128.load(at, 16);
  const s2 = v128.load(at, 32);
  const s3 = v128.load(at, 48);
  const s4 = v128.load(at, 64);
  const s5 = v128.load(at, 80);
  const s6 = v128.load(at, 96);
  const s7 = v128.load(at, 112);
  const root = eightOf(scan, Eight.root2Less1);
  const a0 = i16x8.add(s0, s4);
  const a1 = i16x8.sub(s0, s4);
  const b0 = i16x8.add(s2, s6);
  const b1 = i16x8.sub(rotate(i16x8.sub(s2, s6), root), b0);
  const e0 = i16x8.add(a0, b0);
  const e1 = i16x8.add(a1, b1);
  const e2 = i16x8.sub(a1, b1);
  const e3 = i16x8.sub(a0, b0);
  const z0 = i16x8.sub(s5, s3);
  const z1 = i16x8.add(s1, s7);
  const z2 = i16x8.sub(s1, s7);
  const z3 = i16x8.add(s5, s3);
  const both = i16x8.add(z0, z2);
  const z5 = i16x8.add(both, times(both, eightOf(scan, Eight.cosineLess1)));
  const o0 = i16x8.add(z1, z3);
  const o1 = i16x8.sub(i16x8.sub(z5, i16x8.add(i16x8.add(z0, z0), times(z0, eightOf(scan, Eight.sumLess2)))), o0);
  const o2 = i16x8.sub(rotate(i16x8.sub(z1, z3), root), o1);
  const o3 = i16x8.add(i16x8.sub(i16x8.add(z2, times(z2, eightOf(scan, Eight.differenceLess1))), z5), o2);
  v128.store(at, i16x8.add(e0, o0), 0);
  v128.store(at, i16x8.add(e1, o1), 16);
  v128.store(at, i16x8.add(e2, o2), 32);
  v128.store(at, i16x8.sub(e3, o3), 48);
  v128.store(at, i16x8.add(e3, o3), 64);
  v128.store(at, i16x8.sub(e2, o2), 80);
  v128.store(at, i16x8.sub(e1, o1), 96);
  v128.store(at, i16x8.sub(e0, o0), 112);
}

/** Times √2. */
function rotate(values: v128, rootLess1: v128): v128 {
  return i16x8.add(values, times(values, rootLess1));
}

/** [8, 8] i16, in place. */
function transpose(at: usize): void {
  const r0 = v128.load(at, 0);
  const r1 = v128.load(at, 16);
  const r2 = v128.load(at, 32);
  const r3 = v128.load(at, 48);
  const r4 = v128.load(at, 64);
  const r5 = v128.load(at, 80);
  const r6 = v128.load(at, 96);
  const r7 = v128.load(at, 112);
  const p0 = v128.shuffle<i16>(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11);
  const p1 = v128.shuffle<i16>(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15);
  const p2 = v128.shuffle<i16>(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11);
  const p3 = v128.shuffle<i16>(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15);
  const p4 = v128.shuffle<i16>(r4, r5, 0, 8, 1, 9, 2, 10, 3, 11);
  const p5 = v128.shuffle<i16>(r4, r5, 4, 12, 5, 13, 6, 14, 7, 15);
  const p6 = v128.shuffle<i16>(r6, r7, 0, 8, 1, 9, 2, 10, 3, 11);
  const p7 = v128.shuffle<i16>(r6, r7, 4, 12, 5, 13, 6, 14, 7, 15);
  const q0 = v128.shuffle<i32>(p0, p2, 0, 4, 1, 5);
  const q1 = v128.shuffle<i32>(p0, p2, 2, 6, 3, 7);
  const q2 = v128.shuffle<i32>(p1, p3, 0, 4, 1, 5);
  const q3 = v128.shuffle<i32>(p1, p3, 2, 6, 3, 7);
  const q4 = v128.shuffle<i32>(p4, p6, 0, 4, 1, 5);
  const q5 = v128.shuffle<i32>(p4, p6, 2, 6, 3, 7);
  const q6 = v128.shuffle<i32>(p5, p7, 0, 4, 1, 5);
  const q7 = v128.shuffle<i32>(p5, p7, 2, 6, 3, 7);
  v128.store(at, v128.shuffle<i64>(q0, q4, 0, 2), 0);
  v128.store(at, v128.shuffle<i64>(q0, q4, 1, 3), 16);
  v128.store(at, v128.shuffle<i64>(q1, q5, 0, 2), 32);
  v128.store(at, v128.shuffle<i64>(q1, q5, 1, 3), 48);
  v128.store(at, v128.shuffle<i64>(q2, q6, 0, 2), 64);
  v128.store(at, v128.shuffle<i64>(q2, q6, 1, 3), 80);
  v128.store(at, v128.shuffle<i64>(q3, q7, 0, 2), 96);
  v128.store(at, v128.shuffle<i64>(q3, q7, 1, 3), 112);
}

/** Four coefficients' pairs, as the transform takes them. */
function prepare(pairs: usize, factors: usize): v128 {
  return times(i16x8.shl(v128.load(pairs), 4), v128.load(factors));
}

/** A block's pairs → [u, v] with 3 fractional bits. */
function unpair(block: usize, factors: usize, target: usize): void {
  for (let pair: usize = 0; pair < 128; pair += 32) {
    const upper = prepare(block + pair, factors + pair);
    const lower = prepare(block + pair + 16, factors + pair + 16);
    v128.store(target + pair, v128.shuffle<i16>(upper, lower, 0, 2, 4, 6, 8, 10, 12, 14), 0);
    v128.store(target + pair, v128.shuffle<i16>(upper, lower, 1, 3, 5, 7, 9, 11, 13, 15), 16);
  }
}

/** A block's samples: [8, 8] i16 with 3 fractional bits, around zero. */
export function samplesOf(scan: Scan, block: Block): usize {
  const samples = changetype<usize>(block) + offsetof<Block>('s0');
  if (block.isSampled) return samples;
  block.isSampled = 1;
  if (block.isVaried) {
    unpair(changetype<usize>(block), scan.transformFactors, samples); // [u, v]
    transform(scan, samples); // [x, v]
    transpose(samples);
    transform(scan, samples); // [y, x]
  } else {
    const flat = i16x8.splat(i16(block.mean * 8));
    for (let at: usize = 0; at < 128; at += 16) v128.store(samples + at, flat);
  }
  findExtremes(block, samples);
  return samples;
}

function findExtremes(block: Block, samples: usize): void {
  let least = v128.load(samples);
  let most = least;
  for (let at: usize = 16; at < 128; at += 16) {
    least = i16x8.min_s(least, v128.load(samples + at));
    most = i16x8.max_s(most, v128.load(samples + at));
  }
  block.low = f32(lowestOf(least)) / 8;
  block.high = -f32(lowestOf(i16x8.neg(most))) / 8;
}

function lowestOf(values: v128): i32 {
  const four = i16x8.min_s(values, v128.shuffle<i16>(values, values, 4, 5, 6, 7, 0, 1, 2, 3));
  const two = i16x8.min_s(four, v128.shuffle<i16>(four, four, 2, 3, 0, 1, 4, 5, 6, 7));
  return min(i16x8.extract_lane_s(two, 0), i16x8.extract_lane_s(two, 1));
}

/** [16] of i16. */
const rowBytes: usize = 32;
/** [2, 16, 16] of i16. */
const chromaBytes: usize = 1024;

/** Room for ten rows of chroma, or the changes of eight rows of pixels in three channels. */
export function workspaceOf(scan: Scan): usize {
  return scan.chroma + chromaBytes;
}

/** The row of 8 samples, those beyond the last one of the picture the same as it. */
function endRow(row: v128, last: i32): v128 {
  const lanes = i16x8.min_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(i16(last)));
  return i8x16.swizzle(row, i16x8.add(i16x8.mul(lanes, i16x8.splat(0x0202)), i16x8.splat(0x0100)));
}

/** A row of 8 samples → 16 pixels: three quarters of the sample that it lies in, and one of the next; times four. */
function widen(row: v128, left: i32, right: i32, target: usize): void {
  const before = v128.shuffle<i16>(i16x8.splat(i16(left)), row, 7, 8, 9, 10, 11, 12, 13, 14);
  const behind = v128.shuffle<i16>(row, i16x8.splat(i16(right)), 1, 2, 3, 4, 5, 6, 7, 8);
  const thrice = i16x8.add(row, i16x8.shl(row, 1));
  const even = i16x8.add(thrice, before);
  const odd = i16x8.add(thrice, behind);
  v128.store(target, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), 0);
  v128.store(target, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** A row and those above and below it → the two between them: three quarters of the row, one of the other; with 5 fractional bits. */
function blend(row: usize, target: usize): void {
  for (let at: usize = 0; at < rowBytes; at += 16) {
    const samples = v128.load(row + at);
    const thrice = i16x8.add(samples, i16x8.shl(samples, 1));
    const above = v128.load(row + at - rowBytes);
    const below = v128.load(row + at + rowBytes);
    v128.store(target + at, i16x8.shr_s(i16x8.add(thrice, above), 2));
    v128.store(target + at + rowBytes, i16x8.shr_s(i16x8.add(thrice, below), 2));
  }
}

/**
 * Interpolates rows of a chroma's samples along x; times four.
 *
 * @param unitY whose rows they are
 * @param count how many, from row `from` on
 */
// oxlint-disable-next-line max-params -- the kernels' own
function widenRows(scan: Scan, unitX: i32, unitY: i32, index: i32, from: i32, count: i32, target: usize): void {
  const first = usize(from) << 4;
  const rows = samplesOf(scan, blockOf(scan, unitX, unitY, index)) + first;
  const end = rows + (usize(count) << 4);
  if (componentOf(scan, 0).across == 1) {
    for (let row = rows; row < end; row += 16, target += rowBytes) v128.store(target, i16x8.shl(v128.load(row), 2));
    return;
  }
  const lastUnit = scan.unitsAcross - 1;
  const last = ((scan.width + 1) >> 1) - 1 - 8 * unitX; // sample of the picture, counted from this block's first
  // At the picture's edges the next one is the same.
  let left = unitX == 0 ? rows : samplesOf(scan, blockOf(scan, unitX - 1, unitY, index)) + first + 14;
  let right =
    unitX == lastUnit ? rows + (usize(last) << 1) : samplesOf(scan, blockOf(scan, unitX + 1, unitY, index)) + first;
  for (let row = rows; row < end; row += 16, left += 16, right += 16, target += rowBytes) {
    const samples = unitX == lastUnit ? endRow(v128.load(row), last) : v128.load(row);
    widen(samples, load<i16>(left), load<i16>(right), target);
  }
}

/** Interpolates a chroma of a unit as libjpeg does. */
function interpolate(scan: Scan, unitX: i32, unitY: i32, index: i32, target: usize): void {
  if (componentOf(scan, 0).down == 1) return widenRows(scan, unitX, unitY, index, 0, 8, target);
  const last = min(7, ((scan.height + 1) >> 1) - 1 - 8 * unitY);
  const own = workspaceOf(scan) + rowBytes;
  widenRows(scan, unitX, unitY, index, 0, 8, own);
  if (unitY == 0) memory.copy(own - rowBytes, own, rowBytes);
  else widenRows(scan, unitX, unitY - 1, index, 7, 1, own - rowBytes);
  const end = own + usize(last + 1) * rowBytes;
  if (unitY == scan.unitsDown - 1) memory.copy(end, end - rowBytes, rowBytes);
  else widenRows(scan, unitX, unitY + 1, index, 0, 1, end);
  for (let row = own; row < own + 8 * rowBytes; row += rowBytes, target += 2 * rowBytes) blend(row, target);
}

/** Blue and red difference of a unit's pixels, into `scan.chroma`. */
export function interpolateChroma(scan: Scan, unitX: i32, unitY: i32, lumaBlocks: i32): void {
  interpolate(scan, unitX, unitY, lumaBlocks, scan.chroma);
  interpolate(scan, unitX, unitY, lumaBlocks + 1, scan.chroma + (chromaBytes >> 1));
}
