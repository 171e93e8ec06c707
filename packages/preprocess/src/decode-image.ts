import { readFile } from 'node:fs/promises';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { recognizeImageType } from './image-type.ts';
import { type Pixels, resample } from './resample.ts';

// One thread per picture, because whole pictures already run side by side; and nothing is decoded twice, so a cache only costs memory.
sharp.concurrency(1);
sharp.cache(false);

/** Default of `maxPixels`: 40 megapixels. */
export const defaultMaxPixels = 40_000_000;

export interface DecodeOptions {
  /** Pixels per side of the result. */
  size: number;
  /** Width × height above which a picture is refused before it is decoded. */
  maxPixels?: number;
  /** What errors call the picture; default: its path, or "image". */
  name?: string;
}

async function readBytes(source: Uint8Array | string, name: string): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  return readFile(source).catch((error: unknown) => {
    throw unreadable(name, error);
  });
}

function unreadable(name: string, cause: unknown): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_IMAGE_UNREADABLE',
    `expected a whole picture, got ${messageOf(cause).trim().replaceAll('\n', '; ')} (${name}); replace the file`,
    { cause },
  );
}

function checkType(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0) throw unreadable(name, 'an empty file');
  if (recognizeImageType(bytes)) return;
  throw new CrosscheckError(
    'CROSSCHECK_IMAGE_UNSUPPORTED',
    `expected JPEG, PNG, WebP, GIF, AVIF or TIFF by its first bytes, got something else (${name}); convert the picture to one of them`,
  );
}

function checkSize({ width, height }: Metadata, maxPixels: number, name: string): void {
  if (width * height <= maxPixels) return;
  throw new CrosscheckError(
    'CROSSCHECK_IMAGE_TOO_LARGE',
    `expected at most ${maxPixels} pixels, got ${width}×${height} (${name}); send a smaller picture or raise the limit`,
  );
}

/** Pillow's CMYK → RGB: every ink over black, without a colour profile. [N, 4] → [N, 3] */
function convertCmyk(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let source = 0, target = 0; source < cmyk.length; source += 4) {
    const white = 255 - (cmyk[source + 3] as number);
    for (let ink = 0; ink < 3; ink++) {
      const product = (cmyk[source + ink] as number) * white + 128;
      rgb[target++] = Math.max(0, white - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
}

async function decodePixels(bytes: Uint8Array, metadata: Metadata, options: SharpOptions): Promise<Pixels> {
  const isCmyk = metadata.space === 'cmyk';
  const picture = sharp(bytes, { ...options, autoOrient: true }).removeAlpha();
  const decoder = isCmyk ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture.toColourspace('srgb');
  const { data, info } = await decoder.raw().toBuffer({ resolveWithObject: true });
  return { data: isCmyk ? convertCmyk(data) : data, width: info.width, height: info.height };
}

/**
 * Decodes a picture and stretches it to a square, pixel for pixel as Pillow does with
 * `ImageOps.exif_transpose(image).convert('RGB').resize((size, size), BILINEAR)`: antialiased, alpha dropped, colour profiles ignored,
 * first frame of an animation.
 *
 * @param source the file's bytes, or its path
 * @returns [size, size, 3] RGB, 0…255
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_UNREADABLE
 */
export async function decodeImage(source: Uint8Array | string, options: DecodeOptions): Promise<Uint8Array> {
  const name = options.name ?? (typeof source === 'string' ? source : 'image');
  const bytes = await readBytes(source, name);
  checkType(bytes, name);
  const loading: SharpOptions = { failOn: 'error', limitInputPixels: false, ignoreIcc: true };
  const metadata = await sharp(bytes, loading)
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(name, error);
    });
  checkSize(metadata, options.maxPixels ?? defaultMaxPixels, name);
  const pixels = await decodePixels(bytes, metadata, loading).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  return resample(pixels, options.size);
}
