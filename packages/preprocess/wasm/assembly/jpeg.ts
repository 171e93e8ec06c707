// Decodes the one scan of a baseline JPEG straight to the size of the network. No picture is ever laid out in its own size: a block's 64
// cosine coefficients go through the resize as they are, because the cosine transform and the resize are both linear.
//
// Two passes, as separable as the transform. Along x, every block adds to the columns of the square that see it, for each of its eight
// vertical frequencies; when a row of blocks is complete, along y, its eight frequencies add to the rows of the square that see them.
//
// S: pixels per side of the square, and `stride` the next multiple of four. u, v: horizontal and vertical frequency, 0…7.
// The format is ITU T.81. Everything that is laid out here is written by src/jpeg/lay-out-scan.ts.

/** A component of the picture: luma, or one of the chromas. */
@unmanaged
class Component {
  /** Blocks of it in a unit of the scan, across and down: 1 or 2 for luma, 1 for chroma. */
  across: i32;
  down: i32;
  /** Tables of symbols, and the second one's table of pairs; their form is described below. */
  dc: usize;
  ac: usize;
  pairs: usize;
  /** [64] i16 in the order of a block. */
  quantisation: usize;
  /** By block column, padding included. */
  columns: usize;
  /** By block row. */
  rows: usize;
  /** [down, stride, 8] i32: rows of blocks in the making, by column of the square and v; 15 fractional bits. */
  making: usize;
  /** [S, stride] f32: the plane, around zero. */
  plane: usize;
  /** Mean of the block before. */
  predicted: i32;
}

/** A block as it was read. */
@unmanaged
class Block {
  /** [64] i16: pairs of neighbours in u side by side: [u / 2, v, u % 2]; what is read too far falls behind them. */
  coefficients: usize;
  /** 0 when there is nothing but the mean. */
  isVaried: i32;
  /** Of its pixels. */
  mean: f32;
  variance: f32;
}

/** Which columns, or rows, of the square a block adds to. */
@unmanaged
class Span {
  first: i32;
  count: i32;
  /** For each of them: a column's [8] i16 with 15 fractional bits, by u; a row's [8] f32, by v. */
  weights: usize;
}

@unmanaged
class Scan {
  /** One behind the other. */
  components: usize;
  componentCount: i32;
  unitsAcross: i32;
  unitsDown: i32;
  /** Units between restarts; a number that is never reached where there are none. */
  restartUnits: i32;
  size: i32;
  stride: i32;
  /** Compressed bytes without their stuffing, a gap of zeros behind every segment. */
  bytes: usize;
  /** [segments] u32: the end of each, from `bytes`. */
  ends: usize;
  /** [256] u8: byte offset in a block of each coefficient in zigzag order, and for what is none, of the place behind them. */
  order: usize;
  /** The blocks of a unit: luma's, row by row, and chroma's. */
  blocks: usize;
  /** How far beyond black and white a block's pixels may be on average, in 255ths, and how many blocks may be farther. */
  tolerance: f32;
  tolerated: i32;
}

/** Black and white: pixels are counted around their middle. */
const black: f32 = -128;
const white: f32 = 127;

/** Of the columns' weights. */
const fraction: f32 = 1.0 / 32768.0;
/** Bits of the stream that a table of symbols, and a table of pairs, knows at once. */
const peekBits: u64 = 10;
const pairBits: u64 = 11;
/** Bytes of zeros behind a segment. */
const gap: usize = 16;
/** What the end of a block moves the place in the block by: beyond any run. */
const endMove: i32 = 128;

// The bit reader: `bits` holds the next `bitCount` bits, from the top; more come from `at`.
let bits: u64 = 0;
let bitCount: u64 = 0;
let at: usize = 0;

/** The next eight bytes, the first one on top. */
function loadBits(from: usize): u64 {
  const bytes = v128.load64_zero(from);
  return i64x2.extract_lane(v128.shuffle<u8>(bytes, bytes, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0), 0);
}

/**
 * Copies compressed bytes without the zeros that are stuffed behind every 0xFF, and splits them at restart markers.
 *
 * @param ends gets the end of every segment, from `target`
 * @returns where the marker stands that ends the scan; 0 where there is none, where restart markers are out of turn, and where the
 * segments are not `segmentCount`
 */
export function unstuff(source: usize, sourceEnd: usize, target: usize, ends: usize, segmentCount: i32): usize {
  const start = target;
  const marks = i8x16.splat(-1);
  let segment = 0;
  while (source < sourceEnd) {
    const chunk = v128.load(source);
    v128.store(target, chunk);
    const found = i8x16.bitmask(i8x16.eq(chunk, marks));
    const plain: usize = found == 0 ? 16 : ctz(found);
    source += plain;
    target += plain;
    if (found == 0) continue;
    const next = load<u8>(source, 1);
    if (next == 0) {
      store<u8>(target, 0xff);
      target += 1;
      source += 2;
    } else if (next == 0xff) {
      source += 1;
    } else {
      if (segment == segmentCount || source >= sourceEnd) return 0;
      store<u32>(ends + (segment << 2), u32(target - start));
      v128.store(target, i8x16.splat(0));
      target += gap;
      const isRestart = (next & 0xf8) == 0xd0;
      if (isRestart && (next & 7) != (segment & 7)) return 0;
      segment += 1;
      if (!isRestart) return segment == segmentCount ? source : 0;
      source += 2;
    }
  }
  return 0;
}

/**
 * What a code of more than `peekBits` bits says, in the form of a table's entry; 0 for bits that are no code.
 *
 * @param code the next 16 bits
 */
function findLongCode(table: usize, code: u32): i32 {
  let limits = table + (4 << (peekBits as u32));
  for (let length = peekBits as i32 + 1; length <= 16; length++, limits += 8)
    if (code < load<u32>(limits)) return load<i32>(load<u32>(limits, 4) + ((code >> (16 - length)) << 2));
  return 0;
}

/** The number behind a code: `size` bits, of which the first says whether it is positive (T.81, F.2.2.1). */
function readNumber(b: u64, entry: i32): i32 {
  const size = (entry >> 16) & 0xff;
  const number = i32(((b << u64(entry >> 24)) >> 1) >> u64(63 - size));
  return number - select<i32>((1 << size) - 1, 0, number < (1 << size) >> 1);
}

// A table of symbols has an entry [bits u8, move u8, size u8, length u8] for every 10 bits of the stream: bits to take in all, how far the
// place in the block moves, the size of the number that follows the code, and the length of the code. Where the code is longer than 10
// bits the entry is 0. Behind the 2^10 entries stand, for lengths from 11 to 16, [limit, first] u32: the code and what follows it, 16 bits
// in all, is below the limit; its entry stands at `first` + 4 · code.
//
// A table of pairs has [bits u8, bits of the first u8, move u8, second move u8, number i16, second number i16] for every 11 bits: two
// symbols with their numbers, or one, and the second is the first again, without a move; or 0 where 11 bits are too few.

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
function readBlock(c: Component, order: usize, block: usize): i32 {
  if (!readMean(c)) return -1;
  store<i16>(block, c.predicted);
  const pairs = c.pairs;
  let b = bits;
  let n = bitCount;
  let from = at;
  let k = 1;
  while (k < 64) {
    if (n < pairBits) {
      b |= loadBits(from) >> n;
      from += usize((63 - n) >> 3);
      n |= 56;
    }
    const pair = load<u64>(pairs + (usize(b >> (64 - pairBits)) << 3));
    if (pair != 0) {
      const first = k + i32((pair >> 16) & 0xff);
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
      store<i16>(block + load<u8>(order + k - 1), readNumber(b, entry));
      b <<= u64(entry & 0xff);
      n -= u64(entry & 0xff);
    }
  }
  bits = b;
  bitCount = n;
  at = from;
  if (k > 64 && k < endMove) return -1;
  return k == endMove + 1 ? 0 : 1;
}

/** Numbers up to 2^22 in size: at 1.5 · 2^23 a float has no bits left for a fraction. */
function roundToInt(values: v128): v128 {
  return i32x4.sub(f32x4.add(values, f32x4.splat(12582912)), i32x4.splat(0x4b400000));
}

/** JFIF 1.02, page 4. */
const redOfRed: f32 = 1.402;
const greenOfBlue: f32 = 0.344136;
const greenOfRed: f32 = 0.714136;
const blueOfBlue: f32 = 1.772;

/**
 * By how much normally distributed numbers beyond a limit are beyond it, in the mean of all of them; or numbers within it, when most are
 * beyond. It is σ (φ(z) − z (1 − Φ(z))) for a limit z deviations from the mean, for which φ(0) σ (1 − z / 3)⁴ stands here.
 *
 * @param distance of the limit from the mean
 */
function excessOf(distance: v128, deviation: v128): v128 {
  const z = f32x4.div(f32x4.abs(distance), f32x4.add(deviation, f32x4.splat(0.001)));
  const near = f32x4.max(f32x4.splat(0), f32x4.sub(f32x4.splat(1), f32x4.mul(z, f32x4.splat(1.0 / 3.0))));
  const square = f32x4.mul(near, near);
  return f32x4.mul(f32x4.mul(deviation, f32x4.splat(0.39894)), f32x4.mul(square, square));
}

/**
 * Whether pixels of a luma block, with its chroma, are likely to be no colour: red, green or blue beyond black or white. Decoders cut them off,
 * which is not linear. Where all pixels are beyond, the square's are as well, and are cut off in the end; where some are, as beside bright or
 * coloured letters, their mean without them would be another.
 */
function isCutOff(luma: Block, blue: Block, red: Block, tolerance: f32): bool {
  // Red, green and blue; the fourth is luma once more.
  const mean = f32x4.add(
    f32x4.splat(luma.mean),
    f32x4.add(
      f32x4.mul(f32x4.splat(red.mean), f32x4(redOfRed, -greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.mean), f32x4(0, -greenOfBlue, blueOfBlue, 0)),
    ),
  );
  const variance = f32x4.add(
    f32x4.splat(luma.variance),
    f32x4.add(
      f32x4.mul(f32x4.splat(red.variance), f32x4(redOfRed * redOfRed, greenOfRed * greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.variance), f32x4(0, greenOfBlue * greenOfBlue, blueOfBlue * blueOfBlue, 0)),
    ),
  );
  const deviation = f32x4.sqrt(variance);
  const above = excessOf(f32x4.sub(f32x4.splat(white), mean), deviation);
  const below = excessOf(f32x4.sub(mean, f32x4.splat(black)), deviation);
  return v128.any_true(f32x4.gt(f32x4.max(above, below), f32x4.splat(tolerance)));
}

/** The sum of four numbers. */
function sumOf(four: v128): i32 {
  const two = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
  return i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
}

/** The sums of the squares of sixteen coefficients. */
function squaresOf(a: v128, b: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, a), i32x4.dot_i16x8_s(b, b));
}

/** Multiplies a block by its quantisation, and finds mean and variance of its pixels. */
function dequantise(block: Block, steps: usize): void {
  const at = block.coefficients;
  if (block.isVaried == 0) {
    const only = load<i16>(at) * load<i16>(steps);
    store<i16>(at, only);
    block.mean = f32(only) / 8;
    block.variance = 0;
    return;
  }
  const c0 = i16x8.mul(v128.load(at, 0), v128.load(steps, 0));
  const c1 = i16x8.mul(v128.load(at, 16), v128.load(steps, 16));
  const c2 = i16x8.mul(v128.load(at, 32), v128.load(steps, 32));
  const c3 = i16x8.mul(v128.load(at, 48), v128.load(steps, 48));
  const c4 = i16x8.mul(v128.load(at, 64), v128.load(steps, 64));
  const c5 = i16x8.mul(v128.load(at, 80), v128.load(steps, 80));
  const c6 = i16x8.mul(v128.load(at, 96), v128.load(steps, 96));
  const c7 = i16x8.mul(v128.load(at, 112), v128.load(steps, 112));
  v128.store(at, c0, 0);
  v128.store(at, c1, 16);
  v128.store(at, c2, 32);
  v128.store(at, c3, 48);
  v128.store(at, c4, 64);
  v128.store(at, c5, 80);
  v128.store(at, c6, 96);
  v128.store(at, c7, 112);
  const squares = i32x4.add(
    i32x4.add(squaresOf(c0, c1), squaresOf(c2, c3)),
    i32x4.add(squaresOf(c4, c5), squaresOf(c6, c7)),
  );
  const first: i32 = i16x8.extract_lane_s(c0, 0);
  block.mean = f32(first) / 8;
  block.variance = f32(sumOf(squares) - first * first) / 64;
}

/** A block of nothing but its mean adds to the columns that see it. */
function addMean(block: usize, span: Span, making: usize): void {
  const mean = <i32>load<i16>(block);
  let column = making + (usize(span.first) << 5);
  let weights = span.weights;
  for (let i = 0; i < span.count; i++, column += 32, weights += 16)
    store<i32>(column, load<i32>(column) + mean * load<i16>(weights));
}

/** A block adds to the columns that see it, for each of its vertical frequencies. */
function addBlock(block: usize, span: Span, making: usize): void {
  const c0 = v128.load(block, 0);
  const c1 = v128.load(block, 16);
  const c2 = v128.load(block, 32);
  const c3 = v128.load(block, 48);
  const c4 = v128.load(block, 64);
  const c5 = v128.load(block, 80);
  const c6 = v128.load(block, 96);
  const c7 = v128.load(block, 112);
  let column = making + (usize(span.first) << 5);
  let weights = span.weights;
  for (let i = 0; i < span.count; i++, column += 32, weights += 16) {
    const w0 = v128.load32_splat(weights, 0);
    const w1 = v128.load32_splat(weights, 4);
    const w2 = v128.load32_splat(weights, 8);
    const w3 = v128.load32_splat(weights, 12);
    const upper = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(c0, w0), i32x4.dot_i16x8_s(c2, w1)),
      i32x4.add(i32x4.dot_i16x8_s(c4, w2), i32x4.dot_i16x8_s(c6, w3)),
    ); // v 0…3
    const lower = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(c1, w0), i32x4.dot_i16x8_s(c3, w1)),
      i32x4.add(i32x4.dot_i16x8_s(c5, w2), i32x4.dot_i16x8_s(c7, w3)),
    ); // v 4…7
    v128.store(column, i32x4.add(v128.load(column), upper));
    v128.store(column, i32x4.add(v128.load(column, 16), lower), 16);
  }
}

function clearBlock(block: usize): void {
  const nothing = i16x8.splat(0);
  for (let at: usize = 0; at < 128; at += 16) v128.store(block + at, nothing);
}

/** A column's frequencies 0…3 or 4…7, which are cleared. */
function take(from: usize): v128 {
  const values = f32x4.mul(f32x4.convert_i32x4_s(v128.load(from)), f32x4.splat(fraction));
  v128.store(from, i32x4.splat(0));
  return values;
}

/** One frequency of four columns out of the pairs that two shuffles made. */
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 0, 2);
}

function high(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 1, 3);
}

function pairLow(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

function pairHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

/** A complete row of blocks adds to the rows of the square that see it. */
function addRow(scan: Scan, c: Component, span: Span, making: usize): void {
  const rowBytes = usize(scan.stride) << 2;
  for (let x: usize = 0; x < rowBytes; x += 16, making += 128) {
    const a0 = take(making);
    const a1 = take(making + 32);
    const a2 = take(making + 64);
    const a3 = take(making + 96);
    const b0 = take(making + 16);
    const b1 = take(making + 48);
    const b2 = take(making + 80);
    const b3 = take(making + 112);
    const p0 = pairLow(a0, a1);
    const p1 = pairLow(a2, a3);
    const p2 = pairHigh(a0, a1);
    const p3 = pairHigh(a2, a3);
    const q0 = pairLow(b0, b1);
    const q1 = pairLow(b2, b3);
    const q2 = pairHigh(b0, b1);
    const q3 = pairHigh(b2, b3);
    const v0 = low(p0, p1);
    const v1 = high(p0, p1);
    const v2 = low(p2, p3);
    const v3 = high(p2, p3);
    const v4 = low(q0, q1);
    const v5 = high(q0, q1);
    const v6 = low(q2, q3);
    const v7 = high(q2, q3);
    let target = c.plane + usize(span.first) * rowBytes + x;
    let w = span.weights;
    for (let i = 0; i < span.count; i++, target += rowBytes, w += 32) {
      let sum = v128.load(target);
      sum = f32x4.add(sum, f32x4.mul(v0, v128.load32_splat(w, 0)));
      sum = f32x4.add(sum, f32x4.mul(v1, v128.load32_splat(w, 4)));
      sum = f32x4.add(sum, f32x4.mul(v2, v128.load32_splat(w, 8)));
      sum = f32x4.add(sum, f32x4.mul(v3, v128.load32_splat(w, 12)));
      sum = f32x4.add(sum, f32x4.mul(v4, v128.load32_splat(w, 16)));
      sum = f32x4.add(sum, f32x4.mul(v5, v128.load32_splat(w, 20)));
      sum = f32x4.add(sum, f32x4.mul(v6, v128.load32_splat(w, 24)));
      sum = f32x4.add(sum, f32x4.mul(v7, v128.load32_splat(w, 28)));
      v128.store(target, sum);
    }
  }
}

function componentOf(scan: Scan, index: i32): Component {
  return changetype<Component>(scan.components + index * offsetof<Component>());
}

function blockOf(scan: Scan, index: i32): Block {
  return changetype<Block>(scan.blocks + index * offsetof<Block>());
}

function spanOf(spans: usize, index: i32): Span {
  return changetype<Span>(spans + index * offsetof<Span>());
}

/** Reads the blocks of a unit. */
function readUnit(scan: Scan): bool {
  let index = 0;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    for (let n = c.across * c.down; n > 0; n--, index++) {
      const block = blockOf(scan, index);
      block.isVaried = readBlock(c, scan.order, block.coefficients);
      if (block.isVaried < 0) return false;
      dequantise(block, c.quantisation);
    }
  }
  return true;
}

/** Blocks of a unit that decoders cut off. */
function countCutOff(scan: Scan): i32 {
  const luma = componentOf(scan, 0);
  const count = luma.across * luma.down;
  let cutOff = 0;
  for (let i = 0; i < count; i++)
    cutOff += i32(isCutOff(blockOf(scan, i), blockOf(scan, count), blockOf(scan, count + 1), scan.tolerance));
  return cutOff;
}

/** The blocks of a unit add to the columns that see them. */
function addUnit(scan: Scan, unitX: i32): void {
  const rowBytes = usize(scan.stride) << 5;
  let index = 0;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    let making = c.making;
    for (let y = 0; y < c.down; y++, making += rowBytes) {
      for (let x = 0; x < c.across; x++, index++) {
        const block = blockOf(scan, index);
        const span = spanOf(c.columns, unitX * c.across + x);
        if (block.isVaried) addBlock(block.coefficients, span, making);
        else addMean(block.coefficients, span, making);
        clearBlock(block.coefficients);
      }
    }
  }
}

/** Whether a segment was read to its end, and not beyond. */
function isAtEnd(end: usize): bool {
  const next = at - usize(bitCount >> 3);
  return next == end;
}

/**
 * Decodes the scan into the components' planes.
 *
 * @returns whether every bit of it had a meaning, none was left, and no more blocks are cut off than are tolerated
 */
export function decodeScan(scan: Scan): bool {
  let end: usize = scan.bytes - gap;
  let ends = scan.ends;
  let left = 0;
  let cutOff = 0;
  for (let unitY = 0; unitY < scan.unitsDown; unitY++) {
    for (let unitX = 0; unitX < scan.unitsAcross; unitX++) {
      if (left == 0) {
        if (end >= scan.bytes && !isAtEnd(end)) return false;
        left = scan.restartUnits;
        startSegment(scan, end + gap);
        end = scan.bytes + load<u32>(ends);
        ends += 4;
      }
      left--;
      if (!readUnit(scan) || at > end + gap) return false;
      cutOff += countCutOff(scan);
      addUnit(scan, unitX);
    }
    if (cutOff > scan.tolerated) return false;
    finishRows(scan, unitY);
  }
  return isAtEnd(end);
}

function startSegment(scan: Scan, from: usize): void {
  bits = 0;
  bitCount = 0;
  at = from;
  for (let i = 0; i < scan.componentCount; i++) componentOf(scan, i).predicted = 0;
}

/** A row of units is complete. */
function finishRows(scan: Scan, unitY: i32): void {
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    let making = c.making;
    for (let y = 0; y < c.down; y++, making += usize(scan.stride) << 5)
      addRow(scan, c, spanOf(c.rows, unitY * c.down + y), making);
  }
}

/** Four numbers between 0 and 255, each twice over, as bytes. */
function toBytes(values: v128): v128 {
  const whole = roundToInt(values);
  const half = i16x8.narrow_i32x4_s(whole, whole);
  return i8x16.narrow_i16x8_u(half, half);
}

/**
 * Planes of luma and chroma, or luma alone → [S, S, 3] RGB.
 *
 * @param target has room for four bytes more
 */
export function mixColours(scan: Scan, target: usize): void {
  const middle = f32x4.splat(-black);
  const isGrey = scan.componentCount == 1;
  const luma = componentOf(scan, 0).plane;
  const blue = isGrey ? luma : componentOf(scan, 1).plane;
  const red = isGrey ? luma : componentOf(scan, 2).plane;
  const colour = f32x4.splat(isGrey ? 0 : 1);
  for (let y = 0; y < scan.size; y++) {
    let out = target + usize(y * scan.size * 3);
    for (let x = 0; x < scan.size; x += 4, out += 12) {
      const place = usize(y * scan.stride + x) << 2;
      const l = f32x4.add(v128.load(luma + place), middle);
      const cb = f32x4.mul(v128.load(blue + place), colour);
      const cr = f32x4.mul(v128.load(red + place), colour);
      const r = toBytes(f32x4.add(l, f32x4.mul(cr, f32x4.splat(redOfRed))));
      const g = toBytes(
        f32x4.sub(l, f32x4.add(f32x4.mul(cb, f32x4.splat(greenOfBlue)), f32x4.mul(cr, f32x4.splat(greenOfRed)))),
      );
      const b = toBytes(f32x4.add(l, f32x4.mul(cb, f32x4.splat(blueOfBlue))));
      const rg = v128.shuffle<u8>(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 0, 0, 0, 0);
      v128.store(out, v128.shuffle<u8>(rg, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 0, 0, 0, 0));
    }
  }
}
