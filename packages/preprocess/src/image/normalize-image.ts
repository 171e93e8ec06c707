import type { Preprocessing } from '@crosscheck/contract';

/** [3, 256]: what each byte of each channel becomes. */
const tables = new WeakMap<Preprocessing, Float32Array>();

function buildTable(p: Preprocessing): Float32Array {
  const table = new Float32Array(768);
  for (let i = 0; i < 768; i++) {
    const channel = i >> 8;
    table[i] = ((i & 255) / 255 - (p.mean[channel] as number)) / (p.std[channel] as number);
  }
  tables.set(p, table);
  return table;
}

/**
 * Turns RGB bytes into `(value / 255 − mean) / std`, in one pass through a table of 768 entries.
 *
 * @param pixels [S, S, 3] RGB, 0…255
 * @param layout `nhwc` writes [S, S, 3] (TensorFlow), `nchw` writes [3, S, S] (ONNX, PyTorch)
 * @param out where to write; `pixels.length` values from `offset` on
 */
// oxlint-disable-next-line max-params -- an offset lets callers fill one batch buffer row by row
export function normalizeImage(
  pixels: Uint8Array,
  p: Preprocessing,
  layout: 'nhwc' | 'nchw',
  out: Float32Array,
  offset = 0,
): void {
  const table = tables.get(p) ?? buildTable(p);
  const count = pixels.length / 3;
  const [pixelStep, channelStep] = layout === 'nhwc' ? [3, 1] : [1, count];
  for (let i = 0, source = 0, target = offset; i < count; i++, source += 3, target += pixelStep) {
    out[target] = table[pixels[source] as number] as number;
    out[target + channelStep] = table[256 + (pixels[source + 1] as number)] as number;
    out[target + 2 * channelStep] = table[512 + (pixels[source + 2] as number)] as number;
  }
}
