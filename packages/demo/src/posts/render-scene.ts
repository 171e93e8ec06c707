import type { Random } from '@crosscheck/contract';
import sharp from 'sharp';
import type { SceneKind } from './kinds.ts';
import { drawDesert } from './scenes/desert.ts';
import { drawFlood } from './scenes/flood.ts';
import { drawForest } from './scenes/forest.ts';
import { drawHarbour } from './scenes/harbour.ts';
import { drawNightCity } from './scenes/night-city.ts';
import { drawSnowstorm } from './scenes/snowstorm.ts';
import { drawStadium } from './scenes/stadium.ts';
import { drawWildfire } from './scenes/wildfire.ts';
import { createSketch, type Sketch } from './sketch.ts';

const draw: Record<SceneKind, (sketch: Sketch) => void> = {
  wildfire: drawWildfire,
  flood: drawFlood,
  snowstorm: drawSnowstorm,
  night_city: drawNightCity,
  desert: drawDesert,
  harbour: drawHarbour,
  forest: drawForest,
  stadium: drawStadium,
};

/** Width by height, as shares of the longer side: mostly landscape, as press photographs are. */
const formats = [
  [1, 0.75],
  [1, 0.67],
  [1, 0.8],
  [1, 1],
  [0.8, 1],
] as const;

/**
 * Draws one picture of a kind, with its own palette, layout, format, exposure and grain.
 *
 * @param random decides everything; the same stream gives the same bytes
 * @param size longer side in pixels
 * @returns a JPEG
 */
export async function renderScene(kind: SceneKind, random: Random, size = 160): Promise<Buffer> {
  const [wide, tall] = formats[random.int(formats.length)] as (typeof formats)[number];
  const sketch = createSketch(Math.round(size * wide), Math.round(size * tall), random);
  draw[kind](sketch);
  const { data, info } = await sharp(Buffer.from(sketch.toSvg()))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  expose(data, random);
  const raw = { width: info.width, height: info.height, channels: 3 as const };
  return sharp(data, { raw })
    .jpeg({ quality: 80 + random.int(13) })
    .toBuffer();
}

/** Exposure, white balance and grain, as cameras differ. In place; [H, W, 3] uint8. */
function expose(pixels: Buffer, random: Random): void {
  const exposure = random.uniform(0.88, 1.12);
  const gains = [random.uniform(0.95, 1.05), 1, random.uniform(0.95, 1.05)].map((gain) => gain * exposure);
  const grain = random.uniform(2, 9);
  for (let i = 0; i < pixels.length; i += 3) {
    const noise = (random.next() + random.next() - 1) * grain;
    for (let c = 0; c < 3; c++) {
      const value = (pixels[i + c] as number) * (gains[c] as number) + noise;
      pixels[i + c] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
}

/** Draws one scene above another in one picture of equal sides. @returns a JPEG */
export async function renderPair(above: SceneKind, below: SceneKind, random: Random, size = 160): Promise<Buffer> {
  const [wide, tall] = [size, Math.ceil(size / 2)];
  const halves: Buffer[] = [];
  for (const kind of [above, below]) {
    halves.push(
      await sharp(await renderScene(kind, random, size))
        .resize(wide, tall, { fit: 'cover' })
        .toBuffer(),
    );
  }
  const canvas = { width: wide, height: 2 * tall, channels: 3 as const, background: 'black' };
  return sharp({ create: canvas })
    .composite(halves.map((input, i) => ({ input, left: 0, top: i * tall })))
    .jpeg({ quality: 80 + random.int(13) })
    .toBuffer();
}
