import type { Random } from '@crosscheck/contract';
import type { Augmentation } from './augment.ts';
import type { Canvas } from './canvas.ts';

type Jitter = Augmentation['colorJitter'];

const operations = ['brightness', 'contrast', 'saturation'] as const;

/** Brightness, contrast and saturation in random order, rounded to bytes after each, as torchvision's ColorJitter on a Pillow image. */
export function jitterColor(canvas: Canvas, jitter: Jitter, random: Random): void {
  const order = random.shuffle([...operations]);
  const factor = (amount: number) => random.uniform(Math.max(0, 1 - amount), 1 + amount);
  const factors = {
    brightness: factor(jitter.brightness),
    contrast: factor(jitter.contrast),
    saturation: factor(jitter.saturation),
  };
  for (const operation of order) if (jitter[operation] > 0) canvas[operation](factors[operation]);
}
