import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

// MLflow's own digests are the first 8 hex digits of an MD5.
const DIGEST_CHARS = 8;

/** A data set digest in MLflow's manner: 8 hex digits that change when the content does. */
export function computeDigest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, DIGEST_CHARS);
}

/** The same for a file of any size. */
export async function computeFileDigest(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex').slice(0, DIGEST_CHARS);
}
