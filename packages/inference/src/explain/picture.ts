// S pixels per side, G cells per side.
import type { Preprocessing } from '@crosscheck/contract';

/** [S, S, 3] u8 of the mean colour, which normalisation turns into zeros. */
export function neutralPicture({ imageSize, mean }: Preprocessing): Uint8Array {
  const colour = mean.map((value) => Math.round(255 * value));
  return Uint8Array.from({ length: 3 * imageSize ** 2 }, (_, i) => colour[i % 3] as number);
}

/**
 * The picture with a window of the mean colour over one cell. The window is twice as wide as its cell, so that neighbours overlap and an
 * object on the line between two cells is hidden whole at least once.
 *
 * @param pixels [S, S, 3] u8
 */
export function occludePicture(pixels: Uint8Array, cell: number, gridSide: number, neutral: Uint8Array): Uint8Array {
  const size = Math.sqrt(pixels.length / 3);
  const [top, bottom] = windowOf(Math.floor(cell / gridSide), gridSide, size);
  const [left, right] = windowOf(cell % gridSide, gridSide, size);
  const occluded = Uint8Array.from(pixels);
  for (let y = top; y < bottom; y++) {
    const [from, to] = [3 * (y * size + left), 3 * (y * size + right)];
    occluded.set(neutral.subarray(from, to), from);
  }
  return occluded;
}

/** First and last pixel (exclusive) of a cell with half a cell on either side. */
function windowOf(index: number, gridSide: number, size: number): [number, number] {
  const cell = size / gridSide;
  return [Math.max(0, Math.round((index - 0.5) * cell)), Math.min(size, Math.round((index + 1.5) * cell))];
}
