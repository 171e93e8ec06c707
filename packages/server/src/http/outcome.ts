import { CrosscheckError } from '@crosscheck/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Bytes that this request holds of the body budget. */
    bodyBytes: number;
    /** What it was refused with. */
    failure: { code: string; message: string } | null;
    /** Its client left before the answer. */
    isAbandoned: boolean;
  }

  interface FastifyContextConfig {
    /** Probes come every few seconds; they are neither logged nor measured. */
    isQuiet?: boolean;
  }
}

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

export function clientGone(): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_SERVER_CLIENT_GONE',
    'the client closed the connection before it had its answer',
  );
}

/** One line per request, except for probes. */
export function logOutcome({ request, status, failure, ms }: Outcome): void {
  if (request.routeOptions.config.isQuiet) return;
  const line = {
    method: request.method,
    url: escapeForLog(request.url),
    status,
    ms: Math.round(ms * 10) / 10,
    client: request.ip,
    ...(failure && { code: failure.code, reason: escapeForLog(failure.message) }),
  };
  if (status >= 500) request.log.error(line, 'answered');
  else request.log.info(line, 'answered');
}

// Control, format (bidirectional overrides, zero width), surrogate and unassigned characters, and every separator but the space.
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Makes text of a client safe for one line of a log: what does not print becomes `\u{…}`, and the rest is cut at 200 characters. */
export function escapeForLog(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
