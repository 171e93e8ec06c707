/** TIFF 6.0: an entry is a tag, a type, a count, and a value that fits. */
const entryBytes = 12;
const orientationTag = 0x0112;
const shortType = 3;

/**
 * How the picture is to be turned, from the TIFF structure of an EXIF segment.
 *
 * @returns 1…8, 1 when nothing is said; null for a structure that readers might take in different ways
 */
export function readOrientation(tiff: Buffer): number | null {
  const order = tiff.toString('latin1', 0, 2);
  if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return null;
  const short = (at: number) => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const long = (at: number) => (order === 'II' ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directory = long(4);
  if (short(2) !== 42 || directory + 2 > tiff.length) return null;
  const first = directory + 2;
  const count = short(directory);
  if (first + count * entryBytes > tiff.length) return null;
  const entries = Array.from({ length: count }, (_, i) => first + i * entryBytes);
  const [at, another] = entries.filter((entry) => short(entry) === orientationTag);
  if (at === undefined) return 1;
  const value = short(at + 8);
  const isPlain = another === undefined && short(at + 2) === shortType && long(at + 4) === 1;
  return isPlain && value >= 1 && value <= 8 ? value : null;
}

/** Where each pixel of the upright square comes from, in steps: from the first one, to the right, down; S = pixels per side. */
const turns: Record<number, (size: number) => [first: number, right: number, down: number]> = {
  2: (s) => [s - 1, -1, s],
  3: (s) => [s * s - 1, -1, -s],
  4: (s) => [s * (s - 1), 1, -s],
  5: (s) => [0, s, 1],
  6: (s) => [s * (s - 1), -s, 1],
  7: (s) => [s * s - 1, -s, -1],
  8: (s) => [s - 1, s, -1],
};

/**
 * Turns a square as EXIF says.
 *
 * @param pixels [S, S, 3]
 */
export function turnUpright(pixels: Uint8Array, size: number, orientation: number): Uint8Array {
  const turn = turns[orientation];
  if (!turn) return pixels;
  const [first, right, down] = turn(size);
  const upright = new Uint8Array(pixels.length);
  for (let y = 0, target = 0; y < size; y++) {
    for (let x = 0; x < size; x++, target += 3) {
      const source = 3 * (first + x * right + y * down);
      upright[target] = pixels[source] as number;
      upright[target + 1] = pixels[source + 1] as number;
      upright[target + 2] = pixels[source + 2] as number;
    }
  }
  return upright;
}
