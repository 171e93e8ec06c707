import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type ErrorCode, isCrosscheckError } from '@crosscheck/contract';
import { sha256Of } from '@crosscheck/files';
import { isInside } from '@crosscheck/posts';
import { readImageFile } from '@crosscheck/preprocess';
import type { Fate } from '../download/fates.ts';
import type { LedgerEntry } from '../download/ledger.ts';
import { fingerprintPicture } from '../fingerprint/fingerprint-picture.ts';
import { recognizePlaceholder } from '../fingerprint/placeholders.ts';

export interface PictureLimits {
  /** Shorter side in pixels. */
  minSide: number;
  maxPixels: number;
  /** sha256 or md5 of placeholders besides the known ones. */
  placeholders: ReadonlySet<string>;
}

type PictureFacts = Pick<LedgerEntry, 'fate' | 'detail' | 'sha256' | 'bytes' | 'width' | 'height'>;

const fateByCode: Partial<Record<ErrorCode, Fate>> = {
  CROSSCHECK_IMAGE_UNSUPPORTED: 'not_an_image',
  CROSSCHECK_IMAGE_TOO_LARGE: 'too_large',
  CROSSCHECK_IMAGE_UNREADABLE: 'damaged',
};

/** Judges a file by its bytes alone: type, whole decoding, size, and whether it stands for a deleted picture. */
export async function judgePicture(
  bytes: Buffer,
  limits: PictureLimits,
): Promise<PictureFacts & { extension: string | null }> {
  try {
    const picture = await fingerprintPicture(bytes, { maxPixels: limits.maxPixels });
    const { sha256, width, height, type } = picture;
    const facts = { sha256, bytes: bytes.length, width, height };
    const placeholder = recognizePlaceholder(picture, limits.placeholders);
    if (placeholder !== null) return { ...facts, fate: 'placeholder', detail: placeholder, extension: null };
    if (Math.min(width, height) < limits.minSide) {
      return { ...facts, fate: 'too_small', detail: `${width}×${height}`, extension: null };
    }
    return { ...facts, fate: 'kept', detail: '', extension: type === 'jpeg' ? 'jpg' : type };
  } catch (error) {
    const fate = isCrosscheckError(error) ? fateByCode[error.code] : undefined;
    if (fate === undefined) throw error;
    const unknown = { sha256: sha256Of(bytes), bytes: bytes.length, width: null, height: null, extension: null };
    return { ...unknown, fate, detail: fate === 'not_an_image' ? startOf(bytes) : (error as Error).message };
  }
}

/** The first characters of what came instead of a picture. */
function startOf(bytes: Buffer): string {
  const text = bytes
    .subarray(0, 60)
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return bytes.length === 0 ? 'an empty answer' : `begins with "${text}"`;
}

/** Whether the picture of an earlier run is still there, as long as it was. */
export async function isStillThere(file: string, bytes: number | null): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  return found !== null && found.isFile() && found.size === bytes;
}

const extensions = ['jpg', 'jpeg', 'png', 'webp', 'gif'];

/**
 * The picture of a row in a folder of pictures named by id, as Fakeddit's own archive has them.
 *
 * @throws CROSSCHECK_DATA_AMBIGUOUS_IMAGE when the id names two files
 */
export async function findLocalPicture(dir: string, id: string): Promise<{ file: string; bytes: Buffer } | null> {
  const found: { file: string; bytes: Buffer }[] = [];
  for (const extension of extensions) {
    const file = path.join(dir, `${id}.${extension}`);
    const bytes = isInside(file, dir) ? await readImageFile(file).catch(() => null) : null;
    if (bytes !== null) found.push({ file, bytes });
  }
  const [first = null, second] = found;
  if (first === null || second === undefined || second.bytes.equals(first.bytes)) return first;
  const message = `expected one picture for the id ${id}, got ${first.file} and ${second.file}; remove the wrong one`;
  throw new CrosscheckError('CROSSCHECK_DATA_AMBIGUOUS_IMAGE', message);
}
