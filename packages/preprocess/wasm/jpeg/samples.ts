// A block's samples, and a unit's chroma as other decoders interpolate it: only for blocks in which something may be cut off.

import { Block, blockOf, componentOf, Scan } from './layout';

/** √(1/8), and half the cosine of n sixteenths of π. */
const middle: f32 = 0.35355339;
const cos1: f32 = 0.49039264;
const cos2: f32 = 0.46193977;
const cos3: f32 = 0.41573481;
const cos5: f32 = 0.27778512;
const cos6: f32 = 0.19134172;
const cos7: f32 = 0.09754516;

function times(values: v128, factor: f32): v128 {
  return i16x8.q15mulr_sat_s(values, i16x8.splat(i16(factor * 32768)));
}

function sumOf(a: v128, b: v128, c: v128, d: v128): v128 {
  return i16x8.add(i16x8.add(a, b), i16x8.add(c, d));
}

/** The inverse cosine transform along one axis, eight times side by side: row u of eight i16 becomes row j, in place (T.81, A.3.3). */
function transform(at: usize): void {
  const s0 = v128.load(at, 0);
  const s1 = v128.load(at, 16);
  const s2 = v128.load(at, 32);
  const s3 = v128.load(at, 48);
  const s4 = v128.load(at, 64);
  const s5 = v128.load(at, 80);
  const s6 = v128.load(at, 96);
  const s7 = v128.load(at, 112);
  const a0 = times(i16x8.add(s0, s4), middle);
  const a1 = times(i16x8.sub(s0, s4), middle);
  const b0 = i16x8.add(times(s2, cos2), times(s6, cos6));
  const b1 = i16x8.sub(times(s2, cos6), times(s6, cos2));
  const e0 = i16x8.add(a0, b0);
  const e1 = i16x8.add(a1, b1);
  const e2 = i16x8.sub(a1, b1);
  const e3 = i16x8.sub(a0, b0);
  const o0 = sumOf(times(s1, cos1), times(s3, cos3), times(s5, cos5), times(s7, cos7));
  const o1 = sumOf(times(s1, cos3), times(s3, -cos7), times(s5, -cos1), times(s7, -cos5));
  const o2 = sumOf(times(s1, cos5), times(s3, -cos1), times(s5, cos7), times(s7, cos3));
  const o3 = sumOf(times(s1, cos7), times(s3, -cos5), times(s5, cos3), times(s7, -cos1));
  v128.store(at, i16x8.add(e0, o0), 0);
  v128.store(at, i16x8.add(e1, o1), 16);
  v128.store(at, i16x8.add(e2, o2), 32);
  v128.store(at, i16x8.add(e3, o3), 48);
  v128.store(at, i16x8.sub(e3, o3), 64);
  v128.store(at, i16x8.sub(e2, o2), 80);
  v128.store(at, i16x8.sub(e1, o1), 96);
  v128.store(at, i16x8.sub(e0, o0), 112);
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

/** A block's pairs → [u, v] with 3 fractional bits. */
function unpair(block: usize, target: usize): void {
  for (let pair: usize = 0; pair < 128; pair += 32) {
    const upper = i16x8.shl(v128.load(block + pair, 0), 3);
    const lower = i16x8.shl(v128.load(block + pair, 16), 3);
    v128.store(target + pair, v128.shuffle<i16>(upper, lower, 0, 2, 4, 6, 8, 10, 12, 14), 0);
    v128.store(target + pair, v128.shuffle<i16>(upper, lower, 1, 3, 5, 7, 9, 11, 13, 15), 16);
  }
}

/** A block's samples: [8, 8] i16 with 3 fractional bits, around zero. */
export function samplesOf(block: Block): usize {
  const samples = changetype<usize>(block) + offsetof<Block>('s0');
  if (block.isSampled) return samples;
  block.isSampled = 1;
  if (!block.isVaried) {
    const flat = i16x8.splat(i16(block.mean * 8));
    for (let at: usize = 0; at < 128; at += 16) v128.store(samples + at, flat);
    return samples;
  }
  unpair(changetype<usize>(block), samples); // [u, v]
  transform(samples); // [x, v]
  transpose(samples);
  transform(samples); // [y, x]
  return samples;
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
  const before = v128.shuffle<i16>(i16x8.splat(i16(left)), row, 0, 8, 9, 10, 11, 12, 13, 14);
  const behind = v128.shuffle<i16>(row, i16x8.splat(i16(right)), 1, 2, 3, 4, 5, 6, 7, 8);
  const thrice = i16x8.add(row, i16x8.shl(row, 1));
  const even = i16x8.add(thrice, before);
  const odd = i16x8.add(thrice, behind);
  v128.store(target, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), 0);
  v128.store(target, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** Two rows → the one between them, three quarters of the first; with 5 fractional bits. */
function blend(near: usize, far: usize, target: usize): void {
  for (let at: usize = 0; at < rowBytes; at += 16) {
    const samples = v128.load(near + at);
    const thrice = i16x8.add(samples, i16x8.shl(samples, 1));
    v128.store(target + at, i16x8.shr_s(i16x8.add(thrice, v128.load(far + at)), 2));
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
  const rows = samplesOf(blockOf(scan, unitX, unitY, index)) + first;
  const end = rows + (usize(count) << 4);
  if (componentOf(scan, 0).across == 1) {
    for (let row = rows; row < end; row += 16, target += rowBytes) v128.store(target, i16x8.shl(v128.load(row), 2));
    return;
  }
  const lastUnit = scan.unitsAcross - 1;
  const last = ((scan.width + 1) >> 1) - 1 - 8 * unitX; // sample of the picture, counted from this block's first
  // At the picture's edges the next one is the same.
  let left = unitX == 0 ? rows : samplesOf(blockOf(scan, unitX - 1, unitY, index)) + first + 14;
  let right = unitX == lastUnit ? rows + (usize(last) << 1) : samplesOf(blockOf(scan, unitX + 1, unitY, index)) + first;
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
  for (let near = own; near < own + 8 * rowBytes; near += rowBytes, target += 2 * rowBytes) {
    blend(near, near - rowBytes, target);
    blend(near, near + rowBytes, target + rowBytes);
  }
}

/** Blue and red difference of a unit's pixels, into `scan.chroma`. */
export function interpolateChroma(scan: Scan, unitX: i32, unitY: i32, lumaBlocks: i32): void {
  interpolate(scan, unitX, unitY, lumaBlocks, scan.chroma);
  interpolate(scan, unitX, unitY, lumaBlocks + 1, scan.chroma + (chromaBytes >> 1));
}
