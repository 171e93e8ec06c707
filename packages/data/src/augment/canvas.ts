// What augmentation does to the bytes of a picture, with Pillow's arithmetic. The loops are WebAssembly (wasm/augment.wat): several times as
// fast as the same loops in JavaScript, and as exact.
import { instantiate, type KernelMemory } from '@crosscheck/preprocess';
import { augmentWasm } from './augment-wasm.ts';

/** A square RGB picture that is being changed. There is one canvas to a thread: a second one takes the place of the first. */
export interface Canvas {
  /** Mirrors left and right. */
  flip(): void;
  /**
   * Rotates counter-clockwise about the centre, bilinear, black where nothing was. The rule is Pillow's: a pixel whose centre falls
   * outside of the source is black, one inside never mixes with black.
   */
  rotate(degrees: number): void;
  /** Blends with black; factor 1 changes nothing. */
  brightness(factor: number): void;
  /** Blends with the mean luma of the picture. */
  contrast(factor: number): void;
  /** Blends every pixel with its own luma. */
  saturation(factor: number): void;
  /** @returns [S, S, 3] uint8: the canvas itself, so copy it before the next picture takes its place */
  pixels(): Uint8Array;
}

interface Kernels {
  memory: KernelMemory;
  flip(...sourceTargetRowBytesEnd: number[]): void;
  rotate(...sourceTargetSizeCosSin: number[]): void;
  sumLuma(...beginEnd: number[]): number;
  blendWithValue(...beginEndValueFactor: number[]): void;
  blendWithLuma(...beginEndFactor: number[]): void;
}

const kernels = instantiate<Kernels>(augmentWasm);

/** The kernels read and write up to 16 bytes too far. */
const slack = 16;
const pageBytes = 65536;

// Right angles become exact, as in Pillow, which keeps 15 digits.
const round15 = (value: number) => Math.round(value * 1e15) / 1e15;

/** Puts a copy of a picture, [S, S, 3] uint8, on this thread's canvas. */
export function openCanvas(pixels: Uint8Array, size: number): Canvas {
  const { length } = pixels;
  const spare = Math.ceil((length + slack) / 16) * 16;
  const missing = 2 * spare - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / pageBytes));
  const memory = new Uint8Array(kernels.memory.buffer);
  memory.set(pixels, 0);
  let [at, other] = [0, spare];
  const swap = () => void ([at, other] = [other, at]);
  return {
    flip() {
      kernels.flip(at, other, size * 3, at + length);
      swap();
    },
    rotate(degrees) {
      const angle = (degrees * Math.PI) / 180;
      kernels.rotate(at, other, size, round15(Math.cos(angle)), round15(Math.sin(angle)));
      swap();
    },
    brightness: (factor) => kernels.blendWithValue(at, at + length, 0, factor),
    contrast(factor) {
      memory.fill(0, at + length, at + length + slack);
      const mean = Math.floor(kernels.sumLuma(at, at + length) / (length / 3) + 0.5);
      kernels.blendWithValue(at, at + length, mean, factor);
    },
    saturation: (factor) => kernels.blendWithLuma(at, at + length, factor),
    pixels: () => memory.subarray(at, at + length),
  };
}
