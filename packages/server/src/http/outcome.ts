import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientGone } from './read-body.ts';

/** How a request ended. */
export interface Outcome {
  request: FastifyRequest;
  status: number;
  /** What it was refused with, if it was. */
  failure: FastifyRequest['failure'];
  ms: number;
}

/** nginx's number for a client that leaves before its answer. */
const clientClosedRequest = 499;

/** Calls `record` once for every request, also when its client leaves, which Fastify's own hooks do not see. */
export function onOutcome(app: FastifyInstance, record: (outcome: Outcome) => void): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => {
      if (reply.raw.writableEnded) return;
      request.isAbandoned = true;
      record({ request, status: clientClosedRequest, failure: request.failure ?? clientGone(), ms: reply.elapsedTime });
    });
  });
  app.addHook('onResponse', async (request, reply) => {
    if (!request.isAbandoned) record(answered(request, reply));
  });
}

function answered(request: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): Outcome {
  return { request, status: statusCode, failure: request.failure, ms: elapsedTime };
}
