import { fileURLToPath } from 'node:url';
import { CrosscheckError, isCrosscheckError } from '@crosscheck/contract';
import type { ClassifyFileOptions } from '@crosscheck/inference/batch';
import { type ObjectStore, readAll } from '@crosscheck/storage';
import type { ScoreConfig } from './schema.ts';

type Places = Pick<ClassifyFileOptions, 'rootDir' | 'readImage' | 'allowOutsideRoot' | 'keys'>;

/** Where the images of posts are: in a folder as `infer` finds them, or below an address by their keys. */
export function imagePlaces(
  { images, shards, allow_outside_root: allowOutsideRoot }: ScoreConfig['score'],
  store: ObjectStore,
): Places {
  const keys = { root: 'score.images', allowOutsideRoot: 'score.allow_outside_root' };
  const address = images ?? shards;
  if (address.startsWith('file://')) return { rootDir: fileURLToPath(address), allowOutsideRoot, keys };
  if (!address.includes('://')) return { rootDir: address, allowOutsideRoot, keys };
  return { rootDir: '', readImage: openPictures(store), keys };
}

/** Reads the pictures of posts by their paths below `score.images`. */
function openPictures(images: ObjectStore): (picture: string) => Promise<Uint8Array> {
  return async (picture) => {
    const key = picture.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
    if (!key.split('/').includes('..')) return readAll(images, key);
    const message = `expected a picture below ${images.url}, got ${picture}; write paths without ..`;
    throw new CrosscheckError('CROSSCHECK_DATA_IMAGE_OUTSIDE', message);
  };
}

/** A network or a key that failed is no fault of the post: the shard is tried again as a whole, no row becomes ERROR. */
export function isOutage(error: unknown): boolean {
  const codes = ['CROSSCHECK_STORAGE_UNREACHABLE', 'CROSSCHECK_STORAGE_DENIED'] as const;
  return codes.some((code) => isCrosscheckError(error, code));
}
