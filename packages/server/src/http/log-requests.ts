import type { FastifyInstance, FastifyReply } from 'fastify';
import { escapeForLog } from './escape.ts';

/** nginx's number for a client that left before its answer. */
const clientClosedRequest = 499;

export function finalStatus({ raw, statusCode }: FastifyReply): number {
  return raw.writableFinished ? statusCode : clientClosedRequest;
}

/** One line per request, except for probes. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.isQuiet) return;
    const status = finalStatus(reply);
    const line = {
      method: request.method,
      url: escapeForLog(request.url),
      status,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      client: request.ip,
      ...(request.failure && { code: request.failure.code, reason: escapeForLog(request.failure.message) }),
    };
    if (status >= 500) request.log.error(line, 'answered');
    else request.log.info(line, 'answered');
  });
}
