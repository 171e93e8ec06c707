import { Component, Scan, Span } from './layout';

/** Of the columns' weights. */
const fraction: f32 = 1.0 / 32768.0;

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
export function addRow(scan: Scan, c: Component, span: Span, making: usize): void {
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
