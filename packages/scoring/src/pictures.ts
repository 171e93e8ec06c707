import { CrosscheckError, isCrosscheckError } from '@crosscheck/contract';
import { type ObjectStore, readAll } from '@crosscheck/storage';

/** Reads the pictures of posts by their paths below `score.images`. */
export function openPictures(images: ObjectStore): (picture: string) => Promise<Uint8Array> {
  return async (picture) => {
    const key = picture.replace(/^(\.?\/)+/, '');
    if (!key.split('/').includes('..')) return readAll(images, key);
    const message = `expected a picture below ${images.url}, got ${picture}; write paths without ..`;
    throw new CrosscheckError('CROSSCHECK_SCORE_PICTURE_OUTSIDE', message);
  };
}

/** A network or a key that failed is no fault of the post: the shard is tried again as a whole, no row becomes ERROR. */
export function isOutage(error: unknown): boolean {
  const codes = ['CROSSCHECK_STORAGE_UNREACHABLE', 'CROSSCHECK_STORAGE_DENIED'] as const;
  return codes.some((code) => isCrosscheckError(error, code));
}
