import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseHeaderValue } from '../form/header-parameters.ts';
import { escapeForLog } from './escape.ts';
import { type BodyBudget, bodyTooLarge, readBody } from './read-body.ts';

export type BodyParser = (body: Buffer, contentType: string) => unknown;

export interface AcceptOptions {
  maxBytes: number;
  budget: BodyBudget;
  /** By media type; refusals name the first. */
  parsers: Record<string, BodyParser>;
}

/** Makes the routes of `app` take bodies of the given media types, and refuse every other with a reason. */
export function acceptBody(app: FastifyInstance, { maxBytes, budget, parsers }: AcceptOptions): void {
  const known = new Map(Object.entries(parsers));
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', async (request, reply) => returnBytes(request, reply, budget));
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: typeof request.raw) => {
    const { 'content-type': contentType = '', 'content-encoding': encoding = 'identity' } = request.headers;
    const parse = known.get(parseHeaderValue(contentType).value);
    if (!parse) throw wrongType(`Content-Type ${[...known.keys()][0]}`, contentType || 'none');
    if (encoding !== 'identity') throw wrongType('a body without Content-Encoding', encoding);
    if (Number(request.headers['content-length']) > maxBytes) throw bodyTooLarge(maxBytes);
    const body = await readBody(payload, { maxBytes, budget });
    request.bodyBytes = body.length;
    return parse(body, contentType);
  });
}

function returnBytes(request: FastifyRequest, { raw }: FastifyReply, budget: BodyBudget): void {
  raw.once('close', () => (budget.used -= request.bodyBytes));
}

function wrongType(expected: string, got: string): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_SERVER_MEDIA_TYPE', `expected ${expected}, got ${escapeForLog(got)}`);
}

/** @throws CROSSCHECK_SERVER_JSON_BROKEN */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    const message = `expected a JSON object in UTF-8, got: ${messageOf(cause)}`;
    throw new CrosscheckError('CROSSCHECK_SERVER_JSON_BROKEN', message, { cause });
  }
}
