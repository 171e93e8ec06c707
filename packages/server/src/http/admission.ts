import { CrosscheckError } from '@crosscheck/contract';
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { createKeyCheck } from './api-key.ts';

/** What a request waits for: a place among the posts, or among the explanations. */
export type Line = 'posts' | 'explanations';

/**
 * Makes the check that runs before a body is read, because a request that will be refused should not cost an upload: the key, the
 * model's readiness, the queue.
 */
export function createAdmission(
  service: Service,
  apiKey: string | null,
): (request: FastifyRequest, line?: Line) => void {
  const checkKey = apiKey === null ? () => {} : createKeyCheck(apiKey);
  return ({ headers }, line = 'posts') => {
    checkKey(headers);
    const { queueDepth, queueLimit, explanations, explanationLimit } = service.requireReady().stats();
    const [waiting, limit] = line === 'posts' ? [queueDepth, queueLimit] : [explanations, explanationLimit];
    if (waiting < limit) return;
    const message = `${waiting} ${line} wait already, which is the limit; try again later`;
    throw new CrosscheckError('CROSSCHECK_INFERENCE_QUEUE_FULL', message);
  };
}
