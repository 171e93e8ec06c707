// Decoders cut samples and colours off at black and white, which is not linear. Where that may happen, the pixels are looked at, and what
// it changes is added to the square.
//
// Mean and deviation tell where it may: of any numbers with mean m and deviation σ, what lies beyond a limit at a distance d from the mean
// is at most (√(σ² + d²) − d) / 2, in the mean of all (H. Scarf, 1958). That is at most t if σ² ≤ 4 t (t + d).

import { black, blueOfBlue, greenOfBlue, greenOfRed, redOfRed, white } from './colour';
import { Block, blockOf, Component, componentOf, Scan, Span, spanOf } from './layout';
import { interpolateChroma, samplesOf, workspaceOf } from './samples';

/** Samples farther out than this are of no picture, and each decoder has its own way with them. */
const farthest: f32 = 384;

/** With 5 fractional bits. */
const lowest: i16 = -128 * 32;
const highest: i16 = 127 * 32;
/** Two 255ths: rows of a block that no pixel changes by as much in are left as they are. */
const least: i16 = 64;

/** Changes with 5 fractional bits times weights with 15. */
const changeUnit: f32 = 1.0 / 1048576.0;

function mayBeCutOff(means: v128, deviations: v128, unseen: f32): bool {
  const middle: f32 = (black + white) / 2;
  const distance = f32x4.sub(f32x4.splat(white - middle), f32x4.abs(f32x4.sub(means, f32x4.splat(middle))));
  const most = f32x4.mul(f32x4.splat(4 * unseen), f32x4.add(f32x4.splat(unseen), distance));
  return v128.any_true(f32x4.gt(f32x4.mul(deviations, deviations), most));
}

/** The lowest and the highest of a block's samples. */
let low: f32 = 0;
let high: f32 = 0;

function findExtremes(block: Block): void {
  const samples = samplesOf(block);
  let least = v128.load(samples);
  let most = least;
  for (let at: usize = 16; at < 128; at += 16) {
    least = i16x8.min_s(least, v128.load(samples + at));
    most = i16x8.max_s(most, v128.load(samples + at));
  }
  low = f32(lowestOf(least)) / 8;
  high = -f32(lowestOf(i16x8.neg(most))) / 8;
}

function lowestOf(values: v128): i32 {
  const four = i16x8.min_s(values, v128.shuffle<i16>(values, values, 4, 5, 6, 7, 0, 1, 2, 3));
  const two = i16x8.min_s(four, v128.shuffle<i16>(four, four, 2, 3, 0, 1, 4, 5, 6, 7));
  return min(i16x8.extract_lane_s(two, 0), i16x8.extract_lane_s(two, 1));
}

/** Whether a block's samples are as large as those of any picture. */
function isWithin(block: Block): bool {
  findExtremes(block);
  return low >= -farthest && high <= farthest;
}

/** Cuts off the chroma of a row of units that was just read. @returns false when samples are too far out */
export function clipChroma(scan: Scan, unitY: i32): bool {
  if (scan.componentCount == 1) return true;
  const luma = componentOf(scan, 0);
  for (let unitX = 0; unitX < scan.unitsAcross; unitX++) {
    for (let i = 1; i < 3; i++) {
      const block = blockOf(scan, unitX, unitY, luma.across * luma.down + i - 1);
      if (!mayBeCutOff(f32x4.splat(block.mean), f32x4.splat(block.deviation), scan.chromaUnseen)) continue;
      if (!isWithin(block)) return false;
      if (low < black || high > white) clipSamples(scan, componentOf(scan, i), block, unitX, unitY);
    }
  }
  return true;
}

/** Cuts off a block's samples, and adds to its plane what that changes. */
function clipSamples(scan: Scan, c: Component, block: Block, unitX: i32, unitY: i32): void {
  const samples = samplesOf(block);
  const changes = workspaceOf(scan);
  for (let at: usize = 0; at < 128; at += 16) {
    const values = v128.load(samples + at);
    const clipped = i16x8.max_s(i16x8.min_s(values, i16x8.splat(127 * 8)), i16x8.splat(-128 * 8));
    v128.store(changes + at, i16x8.shl(i16x8.sub(clipped, values), 2));
    v128.store(samples + at, clipped);
  }
  const columns = spanOf(scan.chromaColumns, unitX);
  const rows = spanOf(scan.chromaRows, unitY);
  let weights = rows.weights;
  for (let i = 0; i < rows.count; i++, weights += 16) {
    let sums = i16x8.splat(0);
    for (let y: usize = 0; y < 8; y++) {
      const weight = v128.load16_splat(weights + (y << 1));
      sums = i16x8.add(sums, i16x8.q15mulr_sat_s(v128.load(changes + (y << 4)), weight));
    }
    const target = c.plane + (usize((rows.first + i) * scan.stride + columns.first) << 2);
    addSums(sums, columns, target);
  }
}

/** Adds a row of eight samples' changes to a row of a plane. */
function addSums(sums: v128, columns: Span, target: usize): void {
  for (let i = 0; i < columns.count; i++, target += 4) {
    const four = i32x4.dot_i16x8_s(sums, v128.load(columns.weights + (usize(i) << 4)));
    const two = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
    const sum = i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
    store<f32>(target, load<f32>(target) + f32(sum) * changeUnit);
  }
}

/**
 * What a neighbour adds to the deviation of half a unit's or a quarter's interpolated chroma: to one of eight columns (or rows) a quarter of the
 * difference between it and the block. √(1/8) / 4 of the means', and of a deviation √8 times that, because all of it may be at the border.
 */
function reach(block: Block, neighbour: Block): f32 {
  return 0.0884 * abs(block.mean - neighbour.mean) + 0.25 * neighbour.deviation;
}

/** How far a unit's chroma, as interpolated for one of the blocks of luma, may deviate from its mean. */
function spreadOf(scan: Scan, unitX: i32, unitY: i32, index: i32): f32 {
  const block = blockOf(scan, unitX, unitY, index);
  const luma = componentOf(scan, 0);
  if (luma.across * luma.down == 1) return block.deviation;
  let spread: f32 = f32(2) * block.deviation; // of a quarter
  if (luma.across == 2) {
    const left = reach(block, blockOf(scan, max(unitX - 1, 0), unitY, index));
    const right = reach(block, blockOf(scan, min(unitX + 1, scan.unitsAcross - 1), unitY, index));
    spread += max(left, right);
  }
  if (luma.down == 2) {
    const above = reach(block, blockOf(scan, unitX, max(unitY - 1, 0), index));
    const below = reach(block, blockOf(scan, unitX, min(unitY + 1, scan.unitsDown - 1), index));
    spread += max(above, below);
  }
  return spread;
}

/** The largest value of a cosine of both axes: what a coefficient adds to a sample, at most. */
const largestBasis: f32 = 0.2405;

/** How far a block's samples may be from their mean. */
function rangeOf(block: Block): f32 {
  if (block.range >= 0) return block.range;
  let sums = i32x4.splat(0);
  const at = changetype<usize>(block);
  for (let i: usize = 0; i < 128; i += 16)
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.abs(v128.load(at + i))));
  const two = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  const sum = i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1) - abs<i32>(load<i16>(at));
  block.range = block.isVaried ? largestBasis * f32(sum) : 0;
  return block.range;
}

/** Between which numbers a unit's chroma lies: blue difference and red difference, and both of them negative. */
let chromaMost: v128 = f32x4.splat(0);

/** Of the blocks that it is interpolated from. */
function boundChroma(scan: Scan, unitX: i32, unitY: i32, lumaBlocks: i32): void {
  const luma = componentOf(scan, 0);
  const isWide = i32(luma.across == 2);
  const isTall = i32(luma.down == 2);
  let most = f32x4.splat(-1000);
  for (let y = max(unitY - isTall, 0); y <= min(unitY + isTall, scan.unitsDown - 1); y++) {
    for (let x = max(unitX - isWide, 0); x <= min(unitX + isWide, scan.unitsAcross - 1); x++) {
      const blue = blockOf(scan, x, y, lumaBlocks);
      const red = blockOf(scan, x, y, lumaBlocks + 1);
      const blueRange = rangeOf(blue);
      const redRange = rangeOf(red);
      most = f32x4.max(
        most,
        f32x4(blueRange + blue.mean, redRange + red.mean, blueRange - blue.mean, redRange - red.mean),
      );
    }
  }
  chromaMost = most;
}

/** Whether all colours of a block are ones that pixels can say: luma between `low` and `high`, with its chroma. */
function isInside(isColoured: bool): bool {
  const top: f32 = white + 1;
  const bottom: f32 = -black + 1;
  if (high > top || -low > bottom) return false;
  if (!isColoured) return true;
  const above: f32 = top - high;
  const below: f32 = bottom + low;
  const blue = f32x4.extract_lane(chromaMost, 0);
  const red = f32x4.extract_lane(chromaMost, 1);
  const yellow = f32x4.extract_lane(chromaMost, 2);
  const cyan = f32x4.extract_lane(chromaMost, 3);
  if (redOfRed * red > above || redOfRed * cyan > below) return false;
  if (blueOfBlue * blue > above || blueOfBlue * yellow > below) return false;
  return greenOfBlue * yellow + greenOfRed * cyan <= above && greenOfBlue * blue + greenOfRed * red <= below;
}

/** Corrects the blocks of a row of units, the next of which is read. @returns false when samples are too far out */
export function correctRow(scan: Scan, unitY: i32): bool {
  for (let unitX = 0; unitX < scan.unitsAcross; unitX++) if (!correctUnit(scan, unitX, unitY)) return false;
  return true;
}

function correctUnit(scan: Scan, unitX: i32, unitY: i32): bool {
  const luma = componentOf(scan, 0);
  const lumaBlocks = luma.across * luma.down;
  let means = f32x4.splat(0);
  let spreads = f32x4.splat(0);
  const isColoured = scan.componentCount == 3;
  if (isColoured) {
    const blue = blockOf(scan, unitX, unitY, lumaBlocks);
    const red = blockOf(scan, unitX, unitY, lumaBlocks + 1);
    // Red, green, blue, and luma itself.
    means = f32x4.add(
      f32x4.mul(f32x4.splat(red.mean), f32x4(redOfRed, -greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.mean), f32x4(0, -greenOfBlue, blueOfBlue, 0)),
    );
    spreads = f32x4.add(
      f32x4.mul(f32x4.splat(spreadOf(scan, unitX, unitY, lumaBlocks + 1)), f32x4(redOfRed, greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(spreadOf(scan, unitX, unitY, lumaBlocks)), f32x4(0, greenOfBlue, blueOfBlue, 0)),
    );
  }
  let isInterpolated = !isColoured;
  let isBounded = false;
  for (let i = 0; i < lumaBlocks; i++) {
    const block = blockOf(scan, unitX, unitY, i);
    const mean = f32x4.add(f32x4.splat(block.mean), means);
    const deviation = f32x4.add(f32x4.splat(block.deviation), spreads);
    if (!mayBeCutOff(mean, deviation, scan.unseen)) continue;
    if (!isWithin(block)) return false;
    if (isColoured && !isBounded) boundChroma(scan, unitX, unitY, lumaBlocks);
    isBounded = true;
    if (isInside(isColoured)) continue;
    if (!isInterpolated) interpolateChroma(scan, unitX, unitY, lumaBlocks);
    isInterpolated = true;
    correctBlock(scan, block, unitX * luma.across + (i % luma.across), unitY * luma.down + i / luma.across);
  }
  return true;
}

function clip(values: v128): v128 {
  return i16x8.max_s(i16x8.min_s(values, i16x8.splat(highest)), i16x8.splat(lowest));
}

/** What cutting off changes in a channel: first luma is cut off, then the colour. */
function changeOf(luma: v128, clipped: v128, chroma: v128): v128 {
  return i16x8.sub(clip(i16x8.add(clipped, chroma)), i16x8.add(luma, chroma));
}

function part(values: v128, factor: f32): v128 {
  return i16x8.q15mulr_sat_s(values, i16x8.splat(i16(factor * 32768)));
}

/** Finds what cutting off changes in a block of luma, and adds it. */
function correctBlock(scan: Scan, block: Block, blockX: i32, blockY: i32): void {
  const isColoured = scan.componentCount == 3;
  const luma = componentOf(scan, 0);
  const samples = samplesOf(block);
  let blues = scan.chroma + (usize((blockY % luma.down) * 8) << 5) + (usize((blockX % luma.across) * 8) << 1);
  let changes = workspaceOf(scan);
  let changed = 0;
  // The picture's edge needs no care here: what lies beyond it has no weight.
  for (let y = 0; y < 8; y++, blues += 32, changes += 48) {
    const l = i16x8.shl(v128.load(samples + (usize(y) << 4)), 2);
    const clipped = clip(l);
    let blue = i16x8.splat(0);
    let red = blue;
    if (isColoured) {
      blue = v128.load(blues);
      red = v128.load(blues, 512);
    }
    const r = changeOf(l, clipped, i16x8.add(red, part(red, redOfRed - 1)));
    const g = changeOf(l, clipped, i16x8.neg(i16x8.add(part(blue, greenOfBlue), part(red, greenOfRed))));
    const b = changeOf(l, clipped, i16x8.add(blue, part(blue, blueOfBlue - 1)));
    const most = i16x8.max_s(i16x8.max_s(i16x8.abs(r), i16x8.abs(g)), i16x8.abs(b));
    if (!v128.any_true(i16x8.ge_s(most, i16x8.splat(least)))) continue;
    changed |= 1 << y;
    v128.store(changes, r, 0);
    v128.store(changes, g, 16);
    v128.store(changes, b, 32);
  }
  if (changed == 0) return;
  addChanges(scan, spanOf(scan.lumaColumns, blockX), spanOf(scan.lumaRows, blockY), changed);
}

/**
 * Adds a block's changes to what sees them.
 *
 * @param changed a bit for each of its rows
 */
function addChanges(scan: Scan, columns: Span, rows: Span, changed: i32): void {
  if (!scan.isCorrected) memory.fill(scan.corrections, 0, usize(scan.size * scan.stride) << 4);
  scan.isCorrected = 1;
  let weights = rows.weights;
  for (let i = 0; i < rows.count; i++, weights += 16) {
    let r = i16x8.splat(0);
    let g = r;
    let b = r;
    for (let left = changed; left != 0; left &= left - 1) {
      const y = usize(ctz(left));
      const weight = v128.load16_splat(weights + (y << 1));
      const changes = workspaceOf(scan) + 48 * y;
      r = i16x8.add(r, i16x8.q15mulr_sat_s(v128.load(changes, 0), weight));
      g = i16x8.add(g, i16x8.q15mulr_sat_s(v128.load(changes, 16), weight));
      b = i16x8.add(b, i16x8.q15mulr_sat_s(v128.load(changes, 32), weight));
    }
    addRow(scan, columns, rows.first + i, r, g, b);
  }
}

/** Adds a row of eight pixels' changes, in each channel, to a row of the square. */
function addRow(scan: Scan, columns: Span, y: i32, r: v128, g: v128, b: v128): void {
  let target = scan.corrections + (usize(y * scan.stride + columns.first) << 4);
  let weights = columns.weights;
  for (let i = 0; i < columns.count; i++, weights += 16, target += 16) {
    const w = v128.load(weights);
    const reds = i32x4.dot_i16x8_s(r, w);
    const greens = i32x4.dot_i16x8_s(g, w);
    const blues = i32x4.dot_i16x8_s(b, w);
    const redGreen = i32x4.add(
      v128.shuffle<i32>(reds, greens, 0, 4, 2, 6),
      v128.shuffle<i32>(reds, greens, 1, 5, 3, 7),
    );
    const blue = i32x4.add(v128.shuffle<i32>(blues, blues, 0, 0, 2, 2), v128.shuffle<i32>(blues, blues, 1, 1, 3, 3));
    const sum = i32x4.add(v128.shuffle<i64>(redGreen, blue, 0, 2), v128.shuffle<i64>(redGreen, blue, 1, 3));
    const change = f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.splat(changeUnit));
    v128.store(target, f32x4.add(v128.load(target), change));
  }
}
