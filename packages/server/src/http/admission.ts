import { CrosscheckError } from '@crosscheck/contract';
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { createKeyCheck } from './api-key.ts';

/**
 * Makes the check that runs before a body is read, because a request that will be refused should not cost an upload: the key, the
 * model's readiness, the queue.
 */
export function createAdmission(service: Service, apiKey: string | null): (request: FastifyRequest) => void {
  const checkKey = apiKey === null ? () => {} : createKeyCheck(apiKey);
  return ({ headers }) => {
    checkKey(headers);
    const { queueDepth, queueLimit } = service.requireReady().stats();
    if (queueDepth < queueLimit) return;
    const message = `${queueDepth} posts wait already, which is the limit; try again later`;
    throw new CrosscheckError('CROSSCHECK_INFERENCE_QUEUE_FULL', message);
  };
}
