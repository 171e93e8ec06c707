import type { Random } from '@crosscheck/contract';
import type { Canvas } from './canvas.ts';

/** Factors are uniform in [max(0, 1 − x), 1 + x]; 0 leaves that property alone. */
export interface ColorJitter {
  brightness: number;
  contrast: number;
  saturation: number;
}

const operations = ['brightness', 'contrast', 'saturation'] as const;

/** Brightness, contrast and saturation in random order, rounded to bytes after each, as torchvision's ColorJitter on a Pillow image. */
export function jitterColor(canvas: Canvas, jitter: ColorJitter, random: Random): void {
  const order = random.shuffle([...operations]);
  const factor = (amount: number) => random.uniform(Math.max(0, 1 - amount), 1 + amount);
  const factors = {
    brightness: factor(jitter.brightness),
    contrast: factor(jitter.contrast),
    saturation: factor(jitter.saturation),
  };
  for (const operation of order) if (jitter[operation] > 0) canvas[operation](factors[operation]);
}
