import { componentOf, Scan } from './layout';

/** Black and white: pixels are counted around their middle. */
export const black: f32 = -128;
export const white: f32 = 127;

/** JFIF 1.02, page 4. */
export const redOfRed: f32 = 1.402;
export const greenOfBlue: f32 = 0.344136;
export const greenOfRed: f32 = 0.714136;
export const blueOfBlue: f32 = 1.772;

/** Numbers up to 2^22 in size: at 1.5 · 2^23 a float has no bits left for a fraction. */
function roundToInt(values: v128): v128 {
  return i32x4.sub(f32x4.add(values, f32x4.splat(12582912)), i32x4.splat(0x4b400000));
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
      let red4 = f32x4.add(l, f32x4.mul(cr, f32x4.splat(redOfRed)));
      let green4 = f32x4.sub(
        l,
        f32x4.add(f32x4.mul(cb, f32x4.splat(greenOfBlue)), f32x4.mul(cr, f32x4.splat(greenOfRed))),
      );
      let blue4 = f32x4.add(l, f32x4.mul(cb, f32x4.splat(blueOfBlue)));
      if (scan.isCorrected) {
        const corrections = scan.corrections + (usize(y * scan.stride + x) << 4);
        const c0 = v128.load(corrections, 0);
        const c1 = v128.load(corrections, 16);
        const c2 = v128.load(corrections, 32);
        const c3 = v128.load(corrections, 48);
        const redGreen01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
        const redGreen23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
        red4 = f32x4.add(red4, v128.shuffle<i64>(redGreen01, redGreen23, 0, 2));
        green4 = f32x4.add(green4, v128.shuffle<i64>(redGreen01, redGreen23, 1, 3));
        blue4 = f32x4.add(
          blue4,
          v128.shuffle<i64>(v128.shuffle<i32>(c0, c1, 2, 6, 3, 7), v128.shuffle<i32>(c2, c3, 2, 6, 3, 7), 0, 2),
        );
      }
      const r = toBytes(red4);
      const g = toBytes(green4);
      const b = toBytes(blue4);
      const rg = v128.shuffle<u8>(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 0, 0, 0, 0);
      v128.store(out, v128.shuffle<u8>(rg, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 0, 0, 0, 0));
    }
  }
}
