import type { Socket } from 'node:net';
import { CrosscheckError } from '@crosscheck/contract';
import type { ClassifierStats } from '@crosscheck/inference';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { encodeError, toErrorBody, toRawAnswer } from './error-body.ts';

/** Gives every failure the same body, whatever it is, and tells overloaded clients when to come back. */
export function answerErrors(app: FastifyInstance, service: Service): void {
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    const methods = allowedMethods(app, request);
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    const error = methods.length > 0 ? wrongMethod(request, methods) : unknownRoute(request);
    return sendError(service, { error, request, reply });
  };
  app.setErrorHandler((error, request, reply) => sendError(service, { error, request, reply }));
  app.setNotFoundHandler(refuse);
  // Fastify would ask a method that no route takes for its Content-Type first.
  app.addHook('onRequest', async (request, reply) => {
    if (!usedMethods.has(request.method)) return refuse(request, reply);
  });
}

const usedMethods = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);

interface Failure {
  error: unknown;
  request: FastifyRequest;
  reply: FastifyReply;
}

export function sendError(service: Service, { error, request, reply }: Failure): FastifyReply {
  const body = toErrorBody(error);
  request.failure = { code: body.code, message: body.message };
  if (body.statusCode >= 500 && !(error instanceof CrosscheckError)) request.log.error({ err: error }, 'failed');
  if (body.statusCode === 429 || body.statusCode === 503)
    reply.header('retry-after', retryAfterSeconds(service.stats()));
  if (body.statusCode === 401) reply.header('www-authenticate', 'Bearer');
  // Fastify would close the connection on a client that is still sending; it would see a reset instead of the answer.
  const { status, type, bytes } = encodeError(body, request.url);
  return reply.removeHeader('connection').code(status).header('content-type', type).send(bytes);
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? url;
}

function allowedMethods(app: FastifyInstance, request: FastifyRequest): string[] {
  return ['GET', 'POST'].filter((method) => app.findRoute({ method, url: pathOf(request) }) !== null);
}

function wrongMethod(request: FastifyRequest, methods: string[]): CrosscheckError {
  const message = `${pathOf(request)} takes ${methods.join(' or ')}, got ${request.method}`;
  return new CrosscheckError('CROSSCHECK_SERVER_METHOD_UNSUPPORTED', message);
}

function unknownRoute(request: FastifyRequest): CrosscheckError {
  const message = `nothing answers ${request.method} ${pathOf(request).slice(0, 200)}; see /docs`;
  return new CrosscheckError('CROSSCHECK_SERVER_ROUTE_UNKNOWN', message);
}

const connectionErrors: Record<string, CrosscheckError | undefined> = {
  ERR_HTTP_REQUEST_TIMEOUT: new CrosscheckError(
    'CROSSCHECK_SERVER_UPLOAD_SLOW',
    'the request did not arrive in time (serve.receive_ms)',
  ),
  HPE_HEADER_OVERFLOW: new CrosscheckError(
    'CROSSCHECK_SERVER_HEADERS_TOO_LARGE',
    'the headers of the request are too large',
  ),
};

/** Answers what never became a request: bad syntax, oversized headers, a request that does not end. */
export function answerConnectionError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const known = connectionErrors[error.code ?? ''];
  const message = `expected an HTTP/1.1 request, got: ${error.message}`;
  const answer = toErrorBody(known ?? new CrosscheckError('CROSSCHECK_SERVER_REQUEST_INVALID', message));
  if (socket.writable) socket.write(toRawAnswer(answer));
  socket.destroySoon();
}

const bounds = { min: 1, max: 30 };

/** Seconds until the posts that wait now will have been judged, from what a post has taken so far. */
export function retryAfterSeconds(stats: ClassifierStats | null): number {
  if (!stats) return bounds.min;
  const { inferenceSeconds, batchSize, queueDepth, workers } = stats;
  const secondsPerPost = batchSize.sum === 0 ? 0 : inferenceSeconds.sum / batchSize.sum;
  const wait = Math.ceil((secondsPerPost * queueDepth) / Math.max(1, workers));
  return Math.min(bounds.max, Math.max(bounds.min, wait));
}
