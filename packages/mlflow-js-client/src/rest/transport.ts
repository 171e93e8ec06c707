import { setMaxListeners } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Connection } from '../connection.ts';
import { MlflowError, messageOf } from '../errors.ts';
import { withRetries, withRetryAfter } from './retry.ts';
import { readServerError } from './server-error.ts';

export type QueryValue = string | number | boolean | readonly string[] | undefined;

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server's base URL, already percent-encoded, e.g. `/api/2.0/mlflow/runs/get`. */
  path: string;
  query?: Readonly<Record<string, QueryValue>> | undefined;
  /** Text and bytes can be sent again as they are; a stream is opened anew for each attempt. */
  body?: string | Uint8Array | (() => Readable) | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
}

/** Sends requests to one server: keep-alive, time limits, retries, errors with MLflow's own code. */
export interface Transport {
  readonly connection: Connection;
  /** A JSON request and its JSON answer; an empty answer is `{}`. */
  json<T>(request: HttpRequest & { payload?: unknown }): Promise<T>;
  /** Opens the answer's body as a stream; only the opening is retried. */
  open(request: HttpRequest): Promise<IncomingMessage>;
  /** Ends requests under way, and refuses new ones. */
  close(): void;
}

// uvicorn and gunicorn drop idle connections after 5 s; leaving first avoids the race.
const IDLE_SOCKET_MS = 4_000;

export function createTransport(connection: Connection): Transport {
  const agent = createAgent(connection);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const repeat = <T>(request: HttpRequest, act: (request: HttpRequest) => Promise<T>): Promise<T> => {
    const signal = request.signal ? AbortSignal.any([request.signal, closing.signal]) : closing.signal;
    return withRetries(connection, () => act({ ...request, signal }), signal);
  };
  const attempt = (request: HttpRequest) => sendOnce(connection, agent, request);
  return {
    connection,
    open: (request) => repeat(request, attempt),
    json: ({ payload, ...request }) =>
      repeat(withPayload(request, payload), async (one) => parseJson(await readText(await attempt(one), one), one)),
    close: () => {
      closing.abort(new MlflowError('CONNECTION_CLOSED', `the connection to ${connection.baseUrl} was closed`));
      agent.destroy();
    },
  };
}

function createAgent(connection: Connection): http.Agent {
  const { protocol, hostname } = new URL(connection.baseUrl);
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(hostname);
  // HTTP_PROXY and NO_PROXY, as Python's requests does; understood by Node 24.5 and newer, ignored before.
  const proxy = isLoopback ? {} : { proxyEnv: process.env };
  const options = { keepAlive: true, maxSockets: 8, timeout: IDLE_SOCKET_MS, ...proxy };
  return protocol === 'https:' ? new https.Agent({ ...options, ...connection.tls }) : new http.Agent(options);
}

function withPayload(request: HttpRequest, payload: unknown): HttpRequest {
  if (payload === undefined) return request;
  return {
    ...request,
    body: JSON.stringify(payload),
    headers: { 'content-type': 'application/json', ...request.headers },
  };
}

async function sendOnce(connection: Connection, agent: http.Agent, request: HttpRequest): Promise<IncomingMessage> {
  const url = buildUrl(connection.baseUrl, request);
  const described = `${request.method} ${url.origin}${url.pathname}`;
  const response = await exchange(connection, agent, request, url).catch((error: unknown) => {
    request.signal?.throwIfAborted();
    throw explainFailure(error, described);
  });
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  if (status >= 300 && status < 400) throw explainRedirect(response, described);
  const body = await text(response).catch(() => '');
  throw withRetryAfter(readServerError({ status, body, request: described }), response.headers['retry-after']);
}

function exchange(connection: Connection, agent: http.Agent, request: HttpRequest, url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { body, method, signal } = request;
    const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      agent,
      timeout: connection.timeoutMs,
      headers: { ...connection.headers, ...request.headers, ...lengthHeader(body) },
      ...(signal ? { signal } : {}),
    });
    outgoing.on('response', resolve).on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(timeoutError(connection.timeoutMs)));
    if (typeof body === 'function') pipeline(body(), outgoing, (error) => error && reject(error));
    else outgoing.end(body);
  });
}

function lengthHeader(body: HttpRequest['body']): Record<string, number> {
  if (body === undefined || typeof body === 'function') return {};
  return { 'content-length': Buffer.byteLength(body) };
}

function buildUrl(baseUrl: string, { path, query = {} }: HttpRequest): URL {
  const url = new URL(`${baseUrl}${path}`);
  for (const [name, value] of Object.entries(query))
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) url.searchParams.append(name, String(item));
  return url;
}

async function readText(response: IncomingMessage, request: HttpRequest): Promise<string> {
  return text(response).catch((error: unknown) => {
    request.signal?.throwIfAborted();
    throw explainFailure(error, `${request.method} ${request.path}`);
  });
}

function parseJson<T>(body: string, request: HttpRequest): T {
  try {
    return JSON.parse(body.trim() || '{}') as T;
  } catch (cause) {
    const start = body.slice(0, 200).replaceAll(/\s+/g, ' ');
    const message = `expected JSON from ${request.path}, got "${start}"; is the tracking URI that of an MLflow server?`;
    throw new MlflowError('BAD_RESPONSE', message, { cause, status: 200, request: request.path });
  }
}

function timeoutError(timeoutMs: number): MlflowError {
  return new MlflowError('REQUEST_TIMEOUT', `no answer within ${timeoutMs} ms`);
}

const CONNECTION_CODES =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|HPE_\w+|ERR_STREAM_PREMATURE_CLOSE)$/;

function explainFailure(error: unknown, request: string): unknown {
  if (error instanceof MlflowError && error.errorCode === 'REQUEST_TIMEOUT')
    return new MlflowError('REQUEST_TIMEOUT', `${request}: ${error.message}`, { request, cause: error });
  const code = (error as { code?: string }).code ?? '';
  if (CONNECTION_CODES.test(code)) {
    const reason = messageOf(error) || code;
    const message = `${request}: ${reason}; is the MLflow server running, and is the tracking URI right?`;
    return new MlflowError('CONNECTION_FAILED', message, { request, cause: error });
  }
  if (!/CERT|TLS|SSL/.test(code)) return error;
  const advice = 'trust its certificate with MLFLOW_TRACKING_SERVER_CERT_PATH (tls.serverCertPath)';
  return new MlflowError('TLS_FAILED', `${request}: ${messageOf(error)}; ${advice}`, { request, cause: error });
}

function explainRedirect(response: IncomingMessage, request: string): MlflowError {
  response.resume();
  const status = response.statusCode ?? null;
  const target = response.headers.location ?? 'nowhere';
  return new MlflowError('REDIRECTED', `${request} was redirected to ${target}; use that address as the tracking URI`, {
    status,
    request,
  });
}
