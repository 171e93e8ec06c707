import type { Random } from '@crosscheck/contract';
import { openCanvas } from './canvas.ts';
import { type ColorJitter, jitterColor } from './color-jitter.ts';

/** What training does to a picture before normalisation; the shape of `data.augmentation` without `enabled`. */
export interface Augmentation {
  /** Mirrors every second picture (p = 0.5). */
  horizontalFlip: boolean;
  /** The angle is uniform in ± this. */
  rotationDegrees: number;
  colorJitter: ColorJitter;
}

/** The augmentation of the original's configuration: flip, ±15°, jitter 0.2. */
export const defaultAugmentation: Augmentation = {
  horizontalFlip: true,
  rotationDegrees: 15,
  colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
};

/**
 * Flips, rotates and jitters one picture, in the order of torchvision's transforms in the original. The input is not changed.
 * Rotation is bilinear, where torchvision's default is nearest: at 224 pixels nearest leaves saw-tooth edges that no photograph has.
 *
 * @param pixels [S, S, 3] uint8 RGB
 * @param random the picture's own stream: createRandom(seed, 'augment', epoch, sampleIndex)
 * @returns [S, S, 3] uint8 RGB
 */
export function augment(pixels: Uint8Array, size: number, augmentation: Augmentation, random: Random): Uint8Array {
  return augmentOnCanvas(pixels, size, augmentation, random).slice();
}

/** The same without a copy: the result is gone when the next picture is augmented. */
export function augmentOnCanvas(
  pixels: Uint8Array,
  size: number,
  augmentation: Augmentation,
  random: Random,
): Uint8Array {
  // All draws happen whether used or not, so that switching one transform off leaves the others as they were.
  const isFlipped = random.next() < 0.5;
  const degrees = random.uniform(-augmentation.rotationDegrees, augmentation.rotationDegrees);
  const canvas = openCanvas(pixels, size);
  if (augmentation.horizontalFlip && isFlipped) canvas.flip();
  if (degrees !== 0) canvas.rotate(degrees);
  jitterColor(canvas, augmentation.colorJitter, random);
  return canvas.pixels();
}
