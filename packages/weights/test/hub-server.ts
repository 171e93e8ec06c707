import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const commit = 'a'.repeat(40);

export interface Seen {
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** A stand-in for the Hub: `/{id}/resolve/{revision}/{file}` on one port, large files behind a redirect on another. */
export interface HubServer {
  readonly endpoint: string;
  /** `id/file` → content. Files of 1,000 bytes or more are "large": hash as etag, redirect to the other host. */
  readonly files: Map<string, Buffer>;
  readonly seen: Seen[];
  /** Answers to give instead, one per request, first come first served. */
  readonly answers: ((request: IncomingMessage, response: ServerResponse) => void)[];
  /** Downloads of large files break off after so many bytes each, one number per request. */
  readonly breaks: number[];
  honoursRanges: boolean;
  /** How much the client has kept: it breaks off when that is what it was sent. */
  kept: () => number;
  close(): Promise<void>;
}

export async function startHub(): Promise<HubServer> {
  const state = {
    files: new Map<string, Buffer>(),
    seen: [] as Seen[],
    answers: [] as HubServer['answers'],
    breaks: [] as number[],
    honoursRanges: true,
    kept: () => Number.POSITIVE_INFINITY,
  };
  const cdn = await listen((request, response) => serveContent(state, request, response));
  const hub = await listen((request, response) => serveHub(state, originOf(cdn), request, response));
  return Object.assign(state, {
    endpoint: originOf(hub),
    close: async () => {
      for (const server of [hub, cdn]) await new Promise((resolve) => server.close(resolve).closeAllConnections());
    },
  });
}

type State = Omit<HubServer, 'endpoint' | 'close'>;

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function note({ seen }: State, request: IncomingMessage): void {
  const { range, authorization } = request.headers;
  seen.push({ method: request.method ?? '', path: request.url ?? '', range, authorization });
}

function serveHub(state: State, cdn: string, request: IncomingMessage, response: ServerResponse): void {
  note(state, request);
  const answer = state.answers.shift();
  if (answer) return answer(request, response);
  const [, id = '', revision = '', file = ''] = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(request.url ?? '') ?? [];
  const content = state.files.get(`${id}/${file}`);
  if (![...state.files.keys()].some((name) => name.startsWith(`${id}/`))) return fail(response, 401, 'RepoNotFound');
  if (!['main', 'v1', commit].includes(revision)) return fail(response, 404, 'RevisionNotFound');
  response.setHeader('x-repo-commit', commit);
  if (!content) return fail(response, 404, 'EntryNotFound');
  if (content.length < 1000) {
    response.writeHead(200, {
      etag: `W/"${createHash('sha1').update(content).digest('hex')}"`,
      'content-length': content.length,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
    return;
  }
  response.writeHead(302, {
    location: `${cdn}/${id}/${file}`,
    'x-linked-etag': `"${sha256(content)}"`,
    'x-linked-size': content.length,
  });
  response.end();
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code }).end();
}

function serveContent(state: State, request: IncomingMessage, response: ServerResponse): void {
  note(state, request);
  const content = state.files.get((request.url ?? '').slice(1)) ?? Buffer.alloc(0);
  const start = state.honoursRanges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
  const body = content.subarray(start);
  if (start > 0) response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length });
  const cut = state.breaks.shift();
  if (cut === undefined) response.end(body);
  else response.write(body.subarray(0, cut), () => breakOff(state, start + cut, response));
}

function breakOff(state: State, bytes: number, response: ServerResponse): void {
  if (state.kept() >= bytes || response.destroyed) response.destroy();
  else setTimeout(() => breakOff(state, bytes, response), 5);
}
