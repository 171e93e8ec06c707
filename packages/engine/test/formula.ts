// Weights and inputs from formulas: scripts/golden/reference_network.py computes the same numbers, bit for bit.
import { type Architecture, architectureSchema, type Batch } from '@crosscheck/contract';
import { elementCount, parameterNames } from '@crosscheck/network';
import type { TensorFile } from '@crosscheck/weights';

/** The default network on pictures of 224 × 224, and a small one of the same code. */
export const sizes = {
  full: { architecture: architectureSchema.parse({}), imageSize: 224 },
  tiny: {
    architecture: architectureSchema.parse({
      vision: {
        stemChannels: 8,
        stages: [
          { expand: 1, channels: 8, repeats: 1, stride: 1, kernel: 3 },
          { expand: 4, channels: 16, repeats: 2, stride: 2, kernel: 5 },
          { expand: 6, channels: 24, repeats: 2, stride: 2, kernel: 3 },
        ],
        headChannels: 64,
      },
      text: { vocabSize: 120, maxPositions: 40, hiddenSize: 32, layers: 2, heads: 4, feedForwardSize: 64 },
      embeddingDim: 24,
      fusionHiddenDim: 16,
    }),
    imageSize: 48,
  },
};

/** Everything random off, so that a step is a function of weights and batch. */
export { noDropout } from '@crosscheck/network';

export type Size = (typeof sizes)['full'];

/** 32-bit numbers that follow from the name (FNV-1a) and the position (Wellons' lowbias32). */
export function hashBits(name: string): (position: number) => number {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return (position) => {
    let x = (Math.imul(position, 0x9e3779b9) + seed) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    return (x ^ (x >>> 16)) >>> 0;
  };
}

/** Numbers in [−1, 1). */
function uniform(name: string): (position: number) => number {
  const bits = hashBits(name);
  return (position) => bits(position) / 2 ** 31 - 1;
}

/** offset + scale · uniform */
function range(name: string, shape: readonly number[]): [offset: number, scale: number] {
  if (/(running_mean|bias)$/.test(name)) return [0, 0.1];
  if (name.endsWith('running_var')) return [1, 0.5];
  if (shape.length === 1) return [1, 0.2];
  if (name.includes('embeddings')) return [0, 0.05];
  return [0, Math.sqrt((shape.length === 4 ? 6.3 : 3) / elementCount(shape.slice(1)))];
}

/** A tensor of the formula's checkpoint, in PyTorch's layout. */
export function formulaTensor(name: string, shape: readonly number[]): Float32Array {
  const [offset, scale] = range(name, shape);
  const value = uniform(name);
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = offset + scale * value(i);
  return data;
}

/** The formula's checkpoint as if it stood in a file; step counts are 0. */
export function formulaCheckpoint(architecture: Architecture): TensorFile {
  const tensors = new Map(parameterNames(architecture).map((tensor) => [tensor.name, tensor]));
  return {
    path: 'formula.safetensors',
    tensors,
    read: async (name) => {
      const { dtype, shape } = tensors.get(name) ?? { dtype: 'I64', shape: [] };
      return dtype === 'I64' ? new Float32Array(1) : formulaTensor(name, shape);
    },
    close: async () => undefined,
  };
}

/** A batch of as many samples as there are lengths, padded to the longest; labels alternate from 0. */
export function formulaBatch({ architecture, imageSize }: Size, lengths: number[], name = 'batch'): Batch {
  const size = lengths.length;
  const length = Math.max(...lengths);
  const ids = hashBits(`${name}.ids`);
  const mask = Int32Array.from({ length: size * length }, (_, i) =>
    i % length < (lengths[Math.floor(i / length)] as number) ? 1 : 0,
  );
  return {
    size,
    length,
    imageSize,
    image: formulaImage(size, imageSize, name),
    inputIds: mask.map((isToken, i) => isToken * (1 + (ids(i) % (architecture.text.vocabSize - 1)))),
    attentionMask: mask,
    label: Float32Array.from({ length: size }, (_, i) => i % 2),
    indices: Int32Array.from({ length: size }, (_, i) => i),
  };
}

/** Noise on 4 × 4 tiles of one colour. @returns [B, S, S, 3] */
function formulaImage(size: number, side: number, name: string): Float32Array {
  const [pixel, tile] = [uniform(`${name}.pixels`), uniform(`${name}.tiles`)];
  return Float32Array.from({ length: size * side * side * 3 }, (_, i) => {
    const channel = i % 3;
    const x = Math.floor(i / 3) % side;
    const y = Math.floor(i / (3 * side)) % side;
    const sample = Math.floor(i / (3 * side * side));
    const place = (sample * 4 + Math.floor((4 * y) / side)) * 4 + Math.floor((4 * x) / side);
    return pixel(i) + 2 * tile(place * 3 + channel);
  });
}

/** Positions of which a golden keeps the values: all of a short tensor, else `most` of them. */
export function samplePositions(name: string, count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const bits = hashBits(`${name}.sample`);
  return Array.from({ length: most }, (_, i) => bits(i) % count);
}

/** Values in PyTorch's order from a tensor that is held as NHWC; tensors of other ranks are in the same order. */
export function toTorchOrder(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return values;
  const [b = 1, h = 1, w = 1, c = 1] = shape;
  return Float32Array.from(values, (_, i) => {
    const x = i % w;
    const y = Math.floor(i / w) % h;
    const channel = Math.floor(i / (w * h)) % c;
    const sample = Math.floor(i / (w * h * c)) % b;
    return values[((sample * h + y) * w + x) * c + channel] as number;
  });
}
