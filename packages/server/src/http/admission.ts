import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CrosscheckError } from '@crosscheck/contract';
import type { FastifyRequest } from 'fastify';
import type { ServeSettings } from '../serve-settings.ts';
import type { Service } from '../service.ts';

/** What a request waits for: a place among the posts, or among the explanations. */
export type Line = 'posts' | 'explanations';

/**
 * Makes the check that runs before a body is read, because a request that will be refused should not cost an upload: the key, the
 * model's readiness, the queue.
 */
export function createAdmission(
  service: Service,
  { api_key: apiKey, explain }: Pick<ServeSettings, 'api_key' | 'explain'>,
): (request: FastifyRequest, line?: Line) => void {
  const checkKey: Record<Line, KeyCheck> = {
    posts: createKeyCheck(apiKey),
    explanations: createKeyCheck(explain.api_key ?? apiKey),
  };
  return ({ headers }, line = 'posts') => {
    checkKey[line](headers);
    const { queueDepth, queueLimit, explanations, explanationLimit } = service.requireReady().stats();
    const [waiting, limit] = line === 'posts' ? [queueDepth, queueLimit] : [explanations, explanationLimit];
    if (waiting < limit) return;
    const message = `${waiting} ${line} wait already, which is the limit; try again later`;
    throw new CrosscheckError('CROSSCHECK_INFERENCE_QUEUE_FULL', message);
  };
}

export type KeyCheck = (headers: IncomingHttpHeaders) => void;

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Makes the check of `X-API-Key: …` or `Authorization: Bearer …`; without a key, everybody passes. Digests of equal length are compared in constant time, so that neither
 * the key nor its length can be measured.
 */
export function createKeyCheck(expected: string | null): KeyCheck {
  if (expected === null) return () => {};
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
