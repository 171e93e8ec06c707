import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CrosscheckError } from '@crosscheck/contract';

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Makes the check of `X-API-Key: …` or `Authorization: Bearer …`. Digests of equal length are compared in constant time, so that neither
 * the key nor its length can be measured.
 */
export function createKeyCheck(expected: string): (headers: IncomingHttpHeaders) => void {
  const expectedDigest = digest(expected);
  return (headers) => {
    const given = givenKey(headers);
    if (given !== null && timingSafeEqual(digest(given), expectedDigest)) return;
    const message = `expected a valid API key in the header X-API-Key or Authorization: Bearer …, got ${given === null ? 'none' : 'another one'}`;
    throw new CrosscheckError('CROSSCHECK_SERVER_KEY_REFUSED', message);
  };
}

function givenKey(headers: IncomingHttpHeaders): string | null {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return headers.authorization?.match(/^Bearer +(.+)$/i)?.[1] ?? null;
}
