import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseHeaderValue } from '../form/multipart.ts';
import { clientGone, escapeForLog } from './outcome.ts';

export type BodyParser = (body: Buffer, headers: IncomingHttpHeaders) => unknown;

export interface AcceptOptions {
  maxBytes: number;
  budget: BodyBudget;
  /** By media type; refusals name the first. `*` takes what has any other type, or none. */
  parsers: Record<string, BodyParser>;
}

/** Makes the routes of `app` take bodies of the given media types, and refuse every other with a reason. */
export function acceptBody(app: FastifyInstance, { maxBytes, budget, parsers }: AcceptOptions): void {
  const known = new Map(Object.entries(parsers));
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', async (request, reply) => returnBytes(request, reply, budget));
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: typeof request.raw) => {
    const { 'content-type': contentType = '', 'content-encoding': encoding = 'identity' } = request.headers;
    const parse = known.get(parseHeaderValue(contentType).value) ?? known.get('*');
    if (!parse) throw wrongType(`Content-Type ${[...known.keys()][0]}`, contentType || 'none');
    if (encoding !== 'identity') throw wrongType('a body without Content-Encoding', encoding);
    if (Number(request.headers['content-length']) > maxBytes) throw bodyTooLarge(maxBytes);
    const body = await readBody(payload, { maxBytes, budget });
    request.bodyBytes = body.length;
    return parse(body, request.headers);
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

/** Bytes of request bodies that the process holds at the same time; without a limit, many uploads at once would fill its memory. */
export interface BodyBudget {
  readonly limit: number;
  used: number;
}

export interface BodyLimits {
  /** Of one body. */
  maxBytes: number;
  budget: BodyBudget;
}

/**
 * Reads a request body into memory. Its bytes stay on the budget until the caller gives them back.
 *
 * @throws CROSSCHECK_SERVER_BODY_TOO_LARGE, CROSSCHECK_SERVER_BUSY, CROSSCHECK_SERVER_CLIENT_GONE; the rest of a refused body is read and
 * thrown away, because a client that is still sending would not see the answer otherwise
 */
export function readBody(payload: IncomingMessage, { maxBytes, budget }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (error: CrosscheckError | null) => {
      payload.off('data', take).off('end', finish).off('close', leave);
      if (error === null) return resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
      budget.used -= length;
      payload.resume();
      reject(error);
    };
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      budget.used += chunk.length;
      if (length > maxBytes) settle(bodyTooLarge(maxBytes));
      else if (budget.used > budget.limit) settle(busy(budget.limit));
    };
    const finish = () => settle(null);
    const leave = () => settle(clientGone());
    // A connection that breaks emits an error besides its end.
    payload.on('error', () => {});
    payload.on('data', take).once('end', finish).once('close', leave);
  });
}

export function bodyTooLarge(maxBytes: number): CrosscheckError {
  const message = `expected a request body of at most ${maxBytes} bytes, got more; send a smaller picture, or raise serve.max_body_bytes`;
  return new CrosscheckError('CROSSCHECK_SERVER_BODY_TOO_LARGE', message);
}

function busy(limit: number): CrosscheckError {
  const message = `uploads that are in progress hold ${limit} bytes, which is all that this service allows; try again later`;
  return new CrosscheckError('CROSSCHECK_SERVER_BUSY', message);
}
