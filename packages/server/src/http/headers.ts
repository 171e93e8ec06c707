import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** The caller's X-Request-Id when it is harmless, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Answers are data: nothing in them may run, be framed, be guessed at or be kept. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Security headers, the request id, and CORS when one origin (or `*`) is allowed. */
export function addResponseHeaders(app: FastifyInstance, corsOrigin: string | null): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers).header('x-request-id', request.id);
    if (corsOrigin === null) return;
    reply.headers({
      'access-control-allow-origin': corsOrigin,
      'access-control-expose-headers': 'x-request-id, retry-after',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'origin',
    });
  });
  if (corsOrigin !== null) answerPreflights(app);
}

function answerPreflights(app: FastifyInstance): void {
  app.options('/*', { schema: { hide: true }, config: { isQuiet: true } }, async (_request, reply) =>
    reply
      .headers({
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'content-type, x-api-key, authorization, x-request-id',
        'access-control-max-age': '600',
      })
      .code(204)
      .send(),
  );
}
