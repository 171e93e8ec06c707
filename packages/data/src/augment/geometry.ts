/**
 * Mirrors left and right.
 *
 * @param pixels [S, S, 3] uint8
 * @returns [S, S, 3] uint8
 */
export function flipHorizontally(pixels: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + x) * 3;
      const to = (y * size + (size - 1 - x)) * 3;
      out[to] = pixels[from] as number;
      out[to + 1] = pixels[from + 1] as number;
      out[to + 2] = pixels[from + 2] as number;
    }
  }
  return out;
}

/**
 * Rotates counter-clockwise about the centre, bilinear, black where nothing was. The rule is Pillow's: a pixel whose centre falls
 * outside of the source is black, one inside never mixes with black.
 *
 * @param pixels [S, S, 3] uint8
 * @returns [S, S, 3] uint8
 */
export function rotate(pixels: Uint8Array, size: number, degrees: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  // Right angles become exact, as in Pillow, which keeps 15 digits.
  const round15 = (value: number) => Math.round(value * 1e15) / 1e15;
  const cos = round15(Math.cos((degrees * Math.PI) / 180));
  const sin = round15(Math.sin((degrees * Math.PI) / 180));
  const half = size / 2;
  for (let y = 0; y < size; y++) {
    const dy = y + 0.5 - half;
    for (let x = 0; x < size; x++) {
      const dx = x + 0.5 - half;
      const sourceX = cos * dx - sin * dy + half;
      const sourceY = sin * dx + cos * dy + half;
      if (sourceX < 0 || sourceX >= size || sourceY < 0 || sourceY >= size) continue;
      sampleBilinear(pixels, size, sourceX - 0.5, sourceY - 0.5, out, (y * size + x) * 3);
    }
  }
  return out;
}

// oxlint-disable-next-line max-params -- the innermost loop of augmentation: an options object would be allocated per pixel
function sampleBilinear(pixels: Uint8Array, size: number, x: number, y: number, out: Uint8Array, to: number): void {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const left = x0 < 0 ? 0 : x0 * 3;
  const right = (x0 + 1 < size ? x0 + 1 : size - 1) * 3;
  const top = (y0 < 0 ? 0 : y0) * size * 3;
  const bottom = (y0 + 1 < size ? y0 + 1 : size - 1) * size * 3;
  for (let c = 0; c < 3; c++) {
    const a = pixels[top + left + c] as number;
    const b = pixels[bottom + left + c] as number;
    const upper = a + ((pixels[top + right + c] as number) - a) * fx;
    const lower = b + ((pixels[bottom + right + c] as number) - b) * fx;
    out[to + c] = upper + (lower - upper) * fy; // cut to a byte, as Pillow does
  }
}
