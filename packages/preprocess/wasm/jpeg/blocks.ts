import { Block, Span } from './layout';

/** The sum of four numbers. */
export function sumOf(four: v128): i32 {
  const two = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
  return i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
}

/** The sums of the squares of sixteen coefficients. */
function squaresOf(a: v128, b: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, a), i32x4.dot_i16x8_s(b, b));
}

/** Not zero where a coefficient times its quantisation has a size of 2^11 or more. */
function tooLarge(at: usize, steps: usize): v128 {
  const a = v128.or(large(at, steps, 0), large(at, steps, 16));
  const b = v128.or(large(at, steps, 32), large(at, steps, 48));
  const c = v128.or(large(at, steps, 64), large(at, steps, 80));
  const d = v128.or(large(at, steps, 96), large(at, steps, 112));
  return v128.or(v128.or(a, b), v128.or(c, d));
}

function large(at: usize, steps: usize, offset: usize): v128 {
  return i16x8.q15mulr_sat_s(v128.load(at + offset), v128.load(steps + 128 + offset));
}

/**
 * The most that the squares of a block's coefficients may sum to: four times what those of any picture do. Beyond it numbers would not
 * fit, here and in other decoders, each of which has its own way then.
 */
const mostSquares: i32 = 1 << 22;
const mostMean: i32 = 1 << 11;

/** Multiplies a block by its quantisation, and finds mean and deviation of its samples. @returns whether its numbers have a size that pictures have */
export function dequantise(block: Block, steps: usize): bool {
  const at = changetype<usize>(block);
  if (block.isVaried == 0) {
    const only: i32 = i32(load<i16>(at)) * i32(load<i16>(steps));
    store<i16>(at, only);
    block.mean = f32(only) / 8;
    block.deviation = 0;
    return only < mostMean && only > -mostMean;
  }
  const large = tooLarge(at, steps);
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
  const squares = sumOf(
    i32x4.add(i32x4.add(squaresOf(c0, c1), squaresOf(c2, c3)), i32x4.add(squaresOf(c4, c5), squaresOf(c6, c7))),
  );
  const first: i32 = i16x8.extract_lane_s(c0, 0);
  block.mean = f32(first) / 8;
  block.deviation = sqrt<f32>(f32(squares - first * first)) / 8;
  return !v128.any_true(large) && squares < mostSquares;
}

/** A block of nothing but its mean adds to the columns that see it. */
export function addMean(block: usize, span: Span, making: usize): void {
  const mean = <i32>load<i16>(block);
  let column = making + (usize(span.first) << 5);
  let weights = span.weights;
  for (let i = 0; i < span.count; i++, column += 32, weights += 16)
    store<i32>(column, load<i32>(column) + mean * load<i16>(weights));
}

/** A block adds to the columns that see it, for each of its vertical frequencies. */
export function addBlock(block: usize, span: Span, making: usize): void {
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

export function clearBlock(block: usize): void {
  const nothing = i16x8.splat(0);
  for (let at: usize = 0; at < 128; at += 16) v128.store(block + at, nothing);
}
