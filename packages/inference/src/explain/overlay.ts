import { openWithSharp, readImageFile } from '@crosscheck/preprocess';
import sharp from 'sharp';
import type { HeatMap } from './explanation.ts';

/** Vermilion and blue of Okabe and Ito, which colour-blind readers tell apart. */
const colours = { fake: [213, 94, 0], real: [0, 114, 178] } as const;
const strongest = 190; // of 255: the picture stays visible underneath

/**
 * The picture with its heat map over it: vermilion where it speaks for FAKE, blue for REAL, clear where hiding it changes nothing.
 *
 * @param image encoded picture or its path
 * @param options.maxSide larger pictures are shrunk to this, in pixels
 * @returns a PNG file
 */
export async function renderOverlay(
  image: Uint8Array | string,
  heatMap: HeatMap,
  options: { maxSide?: number } = {},
): Promise<Uint8Array> {
  const side = options.maxSide ?? 1024;
  const bytes = typeof image === 'string' ? await readImageFile(image) : image;
  const { data, info } = await (await openWithSharp(bytes))
    .autoOrient()
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .removeAlpha()
    .toColourspace('srgb')
    .png()
    .toBuffer({ resolveWithObject: true });
  const { rows, columns } = heatMap;
  const veil = await sharp(paintCells(heatMap), { raw: { width: columns, height: rows, channels: 4 } })
    .resize(info.width, info.height, { fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
  return sharp(data)
    .composite([{ input: veil }])
    .png()
    .toBuffer();
}

/** [rows, columns, 4] u8 RGBA; the strongest cell is the most opaque. */
function paintCells({ values }: HeatMap): Uint8Array {
  const flat = values.flat();
  const largest = Math.max(...flat.map(Math.abs)) || 1;
  return Uint8Array.from(
    flat.flatMap((value) => [
      ...(value > 0 ? colours.fake : colours.real),
      Math.round((strongest * Math.abs(value)) / largest),
    ]),
  );
}
