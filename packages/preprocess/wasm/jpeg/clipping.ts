// Decoders cut samples and colours off at black and white, which is not linear. Where that may happen, the pixels are looked at, and what
// it changes is added to the square.
//
// Mean and deviation tell where it may: of any numbers with mean m and deviation σ, what lies beyond a limit at a distance d from the mean
// is at most (√(σ² + d²) − d) / 2, in the mean of all (H. Scarf, 1958). That is at most t if σ² ≤ 4 t (t + d).

import { sumOf } from './blocks';
import { black, blueOfBlue, greenOfBlue, greenOfRed, redOfRed, white } from './colour';
import { Block, blockOf, Component, componentOf, Eight, eightOf, Scan, Span, spanOf } from './layout';
import { interpolateChroma, samplesOf, times, workspaceOf } from './samples';

/** Samples farther out than this are of no picture, and each decoder has its own way with them. */
const farthest: f32 = 384;

/** Changes with 5 fractional bits times weights with 15. */
const changeUnit: f32 = 1.0 / 1048576.0;

function mayBeCutOff(means: v128, deviations: v128, unseen: f32): bool {
  const middle: f32 = (black + white) / 2;
  const distance = f32x4.sub(f32x4.splat(white - middle), f32x4.abs(f32x4.sub(means, f32x4.splat(middle))));
  const most = f32x4.mul(f32x4.splat(4 * unseen), f32x4.add(f32x4.splat(unseen), distance));
  return v128.any_true(f32x4.gt(f32x4.mul(deviations, deviations), most));
}

/** What a coefficient adds to a sample at most, with 15 fractional bits: along one axis, and along both. */
const ofOneAxis: i16 = 5683;
const ofBoth: i16 = 7881;

/** @param weights of the coefficients at `at`, which are pairs [v, u % 2] */
function most(at: usize, weights: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.abs(v128.load(at)), weights);
}

/** How far a block's samples are from their mean, at most. */
function rangeOf(block: Block): f32 {
  if (block.range < 0) block.range = rangeByCoefficients(block);
  return block.range;
}

function rangeByCoefficients(block: Block): f32 {
  if (!block.isVaried) return 0;
  const at = changetype<usize>(block);
  const both = i16x8.splat(ofBoth);
  const firstPair = i16x8(0, ofOneAxis, ofOneAxis, ofBoth, ofOneAxis, ofBoth, ofOneAxis, ofBoth);
  const firstPairs = i16x8(ofOneAxis, ofBoth, ofOneAxis, ofBoth, ofOneAxis, ofBoth, ofOneAxis, ofBoth);
  const first = i16x8(ofOneAxis, ofOneAxis, ofBoth, ofBoth, ofBoth, ofBoth, ofBoth, ofBoth);
  const a = i32x4.add(most(at, firstPair), most(at + 16, firstPairs));
  const b = i32x4.add(most(at + 32, first), most(at + 48, both));
  const c = i32x4.add(most(at + 64, first), most(at + 80, both));
  const d = i32x4.add(most(at + 96, first), most(at + 112, both));
  return f32(sumOf(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)))) / 32768;
}

/** Whether a block's samples are as large as those of any picture. */
function isWithin(scan: Scan, block: Block): bool {
  if (abs(block.mean) + rangeOf(block) <= farthest) return true;
  samplesOf(scan, block);
  return hasUsualSamples(block);
}

function hasUsualSamples(block: Block): bool {
  return block.low >= -farthest && block.high <= farthest;
}

/** Cuts off the chroma of a row of units that was just read. @returns false when samples are too far out */
export function clipChroma(scan: Scan, unitY: i32): bool {
  if (scan.componentCount == 1) return true;
  const luma = componentOf(scan, 0);
  for (let unitX = 0; unitX < scan.unitsAcross; unitX++) {
    for (let i = 1; i < 3; i++) {
      const block = blockOf(scan, unitX, unitY, luma.across * luma.down + i - 1);
      if (!mayBeCutOff(f32x4.splat(block.mean), f32x4.splat(block.deviation), scan.chromaUnseen)) continue;
      if (abs(block.mean) + rangeByCoefficients(block) <= white) continue;
      samplesOf(scan, block);
      if (!hasUsualSamples(block)) return false;
      if (block.low < black || block.high > white) clipSamples(scan, componentOf(scan, i), block, unitX, unitY);
    }
  }
  return true;
}

/** Cuts off a block's samples, and adds to its plane what that changes. */
function clipSamples(scan: Scan, c: Component, block: Block, unitX: i32, unitY: i32): void {
  const samples = samplesOf(scan, block);
  const changes = workspaceOf(scan);
  for (let at: usize = 0; at < 128; at += 16) {
    const values = v128.load(samples + at);
    const clipped = i16x8.max_s(i16x8.min_s(values, i16x8.splat(127 * 8)), i16x8.splat(-128 * 8));
    v128.store(changes + at, i16x8.shl(i16x8.sub(clipped, values), 2));
    v128.store(samples + at, clipped);
  }
  block.low = max(block.low, black);
  block.high = min(block.high, white);
  const columns = spanOf(scan.chromaColumns, unitX);
  const rows = spanOf(scan.chromaRows, unitY);
  let weights = rows.weights;
  for (let i = 0; i < rows.count; i++, weights += 16) {
    let sums = i16x8.splat(0);
    for (let y: usize = 0; y < 8; y++) {
      const weight = v128.load16_splat(weights + (y << 1));
      sums = i16x8.add(sums, times(v128.load(changes + (y << 4)), weight));
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

// The first block of chroma of the unit that is looked at, and of those around it; at the picture's edges the unit itself.
let own: usize = 0;
let left: usize = 0;
let right: usize = 0;
let above: usize = 0;
let below: usize = 0;

function lookAt(scan: Scan, unitX: i32, unitY: i32, lumaBlocks: i32): void {
  const unitBytes = usize(scan.blocksPerUnit) * offsetof<Block>();
  own = changetype<usize>(blockOf(scan, unitX, unitY, lumaBlocks));
  left = unitX == 0 ? own : own - unitBytes;
  right = unitX == scan.unitsAcross - 1 ? own : own + unitBytes;
  above = unitY == 0 ? own : changetype<usize>(blockOf(scan, unitX, unitY - 1, lumaBlocks));
  below = unitY == scan.unitsDown - 1 ? own : changetype<usize>(blockOf(scan, unitX, unitY + 1, lumaBlocks));
}

/**
 * How far a unit's chroma, as interpolated for one of the blocks of luma, may deviate from its mean.
 *
 * @param offset of one of its blocks from the first one
 */
function spreadOf(luma: Component, offset: usize): f32 {
  const block = changetype<Block>(own + offset);
  if (luma.across * luma.down == 1) return block.deviation;
  let spread: f32 = f32(2) * block.deviation; // of a quarter
  if (luma.across == 2)
    spread += max(reach(block, changetype<Block>(left + offset)), reach(block, changetype<Block>(right + offset)));
  if (luma.down == 2)
    spread += max(reach(block, changetype<Block>(above + offset)), reach(block, changetype<Block>(below + offset)));
  return spread;
}

/** How far a unit's chroma moves red, green, blue and luma from luma, upwards and downwards. */
let chromaUp: v128 = f32x4.splat(0);
let chromaDown: v128 = f32x4.splat(0);

/** Chroma of a unit. */
function boundUnit(blue: Block): void {
  const red = changetype<Block>(changetype<usize>(blue) + offsetof<Block>());
  const a = rangeOf(blue);
  const b = rangeOf(red);
  blue.most = f32x4(a + blue.mean, b + red.mean, a - blue.mean, b - red.mean);
}

/** A row of units, whose first one tells whether it was done. */
function boundRow(scan: Scan, unitY: i32, lumaBlocks: i32): void {
  const first = blockOf(scan, 0, unitY, lumaBlocks);
  if (first.range >= 0) return;
  let at = changetype<usize>(first);
  const unitBytes = usize(scan.blocksPerUnit) * offsetof<Block>();
  for (let unitX = 0; unitX < scan.unitsAcross; unitX++, at += unitBytes) boundUnit(changetype<Block>(at));
}

/** Of what a sample becomes in the picture, one quarter along each axis comes from neighbours. */
const ofNeighbours: f32 = 0.25;
const ofNeighboursOnBoth: f32 = 0.4375;

/** By the blocks that the unit's chroma is interpolated from. */
function boundChroma(scan: Scan, unitY: i32, lumaBlocks: i32): void {
  const luma = componentOf(scan, 0);
  const isWide = luma.across == 2;
  const isTall = luma.down == 2;
  boundRow(scan, unitY, lumaBlocks);
  if (isTall) {
    boundRow(scan, max(unitY - 1, 0), lumaBlocks);
    boundRow(scan, min(unitY + 1, scan.unitsDown - 1), lumaBlocks);
  }
  let all = mostOf(own, isTall);
  if (isWide) all = f32x4.max(all, f32x4.max(mostOf(left, isTall), mostOf(right, isTall)));
  const most = changetype<Block>(own).most;
  const share = f32x4.splat(isWide && isTall ? ofNeighboursOnBoth : ofNeighbours);
  spreadColours(f32x4.add(most, f32x4.mul(share, f32x4.sub(all, most))));
}

/** Of a unit, and of those above and below it where chroma is interpolated from them, too. */
function mostOf(at: usize, isTall: bool): v128 {
  const most = changetype<Block>(at).most;
  if (!isTall) return most;
  const up = changetype<Block>(at + above - own).most;
  const down = changetype<Block>(at + below - own).most;
  return f32x4.max(most, f32x4.max(up, down));
}

/** @param most blue difference and red difference at most, and both of them negative */
function spreadColours(most: v128): void {
  const swapped = v128.shuffle<i32>(most, most, 2, 3, 0, 1);
  chromaUp = coloursOf(most, swapped);
  chromaDown = coloursOf(swapped, most);
}

/** [red, green, blue, 0] */
function coloursOf(most: v128, negative: v128): v128 {
  const ofReds = f32x4.mul(v128.shuffle<i32>(most, negative, 1, 5, 1, 1), f32x4(redOfRed, greenOfRed, 0, 0));
  const ofBlues = f32x4.mul(v128.shuffle<i32>(most, negative, 0, 4, 0, 0), f32x4(0, greenOfBlue, blueOfBlue, 0));
  return f32x4.add(ofReds, ofBlues);
}

/** What cutting off may change unseen: no more than in a row of a block that is left as it is. */
const slack: f32 = 1.75;

/** Whether all colours of a block are ones that pixels can say: luma between `low` and `high`, with its chroma. */
function isInside(low: f32, high: f32): bool {
  const tooHigh = f32x4.gt(chromaUp, f32x4.splat(white + slack - high));
  const tooLow = f32x4.gt(chromaDown, f32x4.splat(slack - black + low));
  return !v128.any_true(v128.or(tooHigh, tooLow));
}

/** Whether that can be told without interpolating chroma, which is bounded: first by luma's coefficients, then by its samples. */
function isKnownInside(scan: Scan, block: Block): bool {
  const range = rangeOf(block);
  if (isInside(block.mean - range, block.mean + range)) return true;
  samplesOf(scan, block);
  return isInside(block.low, block.high);
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
  chromaUp = chromaDown = f32x4.splat(0);
  if (isColoured) {
    lookAt(scan, unitX, unitY, lumaBlocks);
    const blue = changetype<Block>(own);
    const red = changetype<Block>(own + offsetof<Block>());
    // Red, green, blue, and luma itself.
    means = f32x4.add(
      f32x4.mul(f32x4.splat(red.mean), f32x4(redOfRed, -greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.mean), f32x4(0, -greenOfBlue, blueOfBlue, 0)),
    );
    spreads = f32x4.add(
      f32x4.mul(f32x4.splat(spreadOf(luma, offsetof<Block>())), f32x4(redOfRed, greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(spreadOf(luma, 0)), f32x4(0, greenOfBlue, blueOfBlue, 0)),
    );
  }
  let isBounded = !isColoured;
  let isInterpolated = !isColoured;
  let at = changetype<usize>(blockOf(scan, unitX, unitY, 0));
  for (let i = 0; i < lumaBlocks; i++, at += offsetof<Block>()) {
    const block = changetype<Block>(at);
    const mean = f32x4.add(f32x4.splat(block.mean), means);
    const deviation = f32x4.add(f32x4.splat(block.deviation), spreads);
    if (!mayBeCutOff(mean, deviation, scan.unseen)) continue;
    if (!isWithin(scan, block)) return false;
    if (!isBounded) boundChroma(scan, unitY, lumaBlocks);
    isBounded = true;
    if (isKnownInside(scan, block)) continue;
    if (!isInterpolated) interpolateChroma(scan, unitX, unitY, lumaBlocks);
    isInterpolated = true;
    correctBlock(scan, block, unitX * luma.across + (i % luma.across), unitY * luma.down + i / luma.across);
  }
  return true;
}

function clip(values: v128, highest: v128, lowest: v128): v128 {
  return i16x8.max_s(i16x8.min_s(values, highest), lowest);
}

/** Finds what cutting off changes in a block of luma, and adds it. */
function correctBlock(scan: Scan, block: Block, blockX: i32, blockY: i32): void {
  const isColoured = scan.componentCount == 3;
  const luma = componentOf(scan, 0);
  const samples = samplesOf(scan, block);
  let blues = scan.chroma + (usize((blockY % luma.down) * 8) << 5) + (usize((blockX % luma.across) * 8) << 1);
  let changes = workspaceOf(scan);
  let changed = 0;
  const redOfRed = eightOf(scan, Eight.redOfRedLess1);
  const greenOfBlue = eightOf(scan, Eight.greenOfBlue);
  const greenOfRed = eightOf(scan, Eight.greenOfRed);
  const blueOfBlue = eightOf(scan, Eight.blueOfBlueLess2);
  const highest = eightOf(scan, Eight.highest);
  const lowest = eightOf(scan, Eight.lowest);
  const least = eightOf(scan, Eight.least);
  // The picture's edge needs no care here: what lies beyond it has no weight.
  for (let y = 0; y < 8; y++, blues += 32, changes += 48) {
    const l = i16x8.shl(v128.load(samples + (usize(y) << 4)), 2);
    const clipped = clip(l, highest, lowest);
    let blue = i16x8.splat(0);
    let red = blue;
    if (isColoured) {
      blue = v128.load(blues);
      red = v128.load(blues, 512);
    }
    const toRed = i16x8.add(red, times(red, redOfRed));
    const fromGreen = i16x8.add(times(blue, greenOfBlue), times(red, greenOfRed));
    const toBlue = i16x8.add(i16x8.add(blue, blue), times(blue, blueOfBlue));
    // First luma is cut off, then the colour.
    const r = i16x8.sub(clip(i16x8.add(clipped, toRed), highest, lowest), i16x8.add(l, toRed));
    const g = i16x8.sub(clip(i16x8.sub(clipped, fromGreen), highest, lowest), i16x8.sub(l, fromGreen));
    const b = i16x8.sub(clip(i16x8.add(clipped, toBlue), highest, lowest), i16x8.add(l, toBlue));
    const most = i16x8.max_s(i16x8.max_s(i16x8.abs(r), i16x8.abs(g)), i16x8.abs(b));
    changed |= i32(v128.any_true(i16x8.ge_s(most, least))) << y; // a branch could not be predicted
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
      r = i16x8.add(r, times(v128.load(changes, 0), weight));
      g = i16x8.add(g, times(v128.load(changes, 16), weight));
      b = i16x8.add(b, times(v128.load(changes, 32), weight));
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
