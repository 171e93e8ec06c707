import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { App } from '../src/index.ts';
import { formRequest, formType, postForm } from './forms.ts';
import { largePicture, picture, tinyService } from './tiny-service.ts';

const service = tinyService({ maxQueue: 3, decoders: 1, maxExplanations: 2 });

/** Everything that a raw connection answers until it is closed. */
async function talk(app: App, lines: (string | Buffer)[], { end = false } = {}): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = net.connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket
    .setEncoding('latin1')
    .on('data', (text: string) => (answer += text))
    .on('error', () => {});
  for (const line of lines) socket.write(line);
  if (end) socket.end();
  await once(socket, 'close');
  return answer;
}

const head = (length: number | string, extra = '') =>
  `POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${formType}\r\nContent-Length: ${length}\r\n${extra}\r\n`;

test('more posts than the queue takes are refused with 429 and Retry-After, the others are answered', async () => {
  const app = await service.app();
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => app.inject(formRequest(postForm('words', largePicture)))),
  );
  const statuses = answers.map(({ statusCode }) => statusCode);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
  const refused = answers.find(({ statusCode }) => statusCode === 429);
  expect(refused?.json()).toMatchObject({ code: 'CROSSCHECK_INFERENCE_QUEUE_FULL', detail: expect.any(String) });
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect((await app.inject(formRequest(postForm('words', picture)))).statusCode).toBe(200);
});

test('explanations have a line of their own: however many come, posts are judged', async () => {
  const app = await service.app({ max_posts: 7 });
  const form = postForm('a flood hits the city', picture);
  const explanations = Array.from({ length: 20 }, () => app.inject(formRequest(form, '/explain')));
  const judged = Array.from({ length: 3 }, () => app.inject(formRequest(form)));
  expect((await Promise.all(judged)).map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  const answers = await Promise.all(explanations);
  const statuses = answers.map(({ statusCode }) => statusCode);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  const refused = answers.find(({ statusCode }) => statusCode === 429);
  expect(refused?.json()).toMatchObject({ code: 'CROSSCHECK_INFERENCE_QUEUE_FULL' });
  expect(refused?.headers['retry-after']).toBeDefined();
});

test('a post that takes longer than the deadline gets 504 and leaves the queue', async () => {
  const app = await service.app({ deadline_ms: 2 });
  const response = await app.inject(formRequest(postForm('words', largePicture)));
  expect(response.json()).toMatchObject({ statusCode: 504, code: 'CROSSCHECK_INFERENCE_TIMEOUT' });
  await expect.poll(() => service.classifier.stats().queueDepth).toBe(0);
});

test('uploads beyond the memory allowed get 429, and the memory is given back', async () => {
  const body = postForm('words', largePicture);
  const app = await service.app({ max_buffered_bytes: body.length, max_body_bytes: body.length });
  const answers = await Promise.all([1, 2, 3].map(() => app.inject(formRequest(body))));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 429, 429]);
  expect(answers[1]?.json()).toMatchObject({ code: 'CROSSCHECK_SERVER_BUSY' });
  expect((await app.inject('/metrics')).body).toContain('crosscheck_upload_bytes 0\n');
  for (let i = 0; i < 3; i++) expect((await app.inject(formRequest(body))).statusCode).toBe(200);
});

test('an API key is asked for where the model is asked, and nowhere else', async () => {
  const app = await service.app({ api_key: 'a secret of some length' });
  const ask = async (headers: Record<string, string>) => {
    const request = formRequest(postForm('words', picture));
    return app.inject({ ...request, headers: { ...request.headers, ...headers } });
  };
  const refused = [
    {},
    { 'x-api-key': 'a secret' },
    { authorization: 'Bearer nonsense' },
    { authorization: 'Basic a secret of some length' },
  ];
  for (const headers of refused) {
    const response = await ask(headers as Record<string, string>);
    expect(response.json()).toMatchObject({ statusCode: 401, code: 'CROSSCHECK_SERVER_KEY_REFUSED' });
    expect(response.headers['www-authenticate']).toBe('Bearer');
    expect(response.body).not.toContain('a secret of some length');
  }
  expect((await ask({ 'x-api-key': 'a secret of some length' })).statusCode).toBe(200);
  expect((await ask({ authorization: 'bearer a secret of some length' })).statusCode).toBe(200);
  const open = ['/health', '/livez', '/readyz', '/metrics', '/docs', '/openapi.json', '/v2'];
  for (const url of open) expect((await app.inject(url)).statusCode).toBe(200);
  for (const url of ['/predict/batch', '/v2/models/Crosscheck/infer'])
    expect((await app.inject({ method: 'POST', url })).statusCode).toBe(401);
});

test('browsers of other sites may not call unless their origin is allowed', async () => {
  const closed = await (await service.app()).inject({ url: '/v2', headers: { origin: 'https://desk.example' } });
  expect(closed.headers).not.toHaveProperty('access-control-allow-origin');
  const app = await service.app({ cors_origin: 'https://desk.example' });
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/predict',
    headers: { origin: 'https://desk.example' },
  });
  expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([
    204,
    'https://desk.example',
  ]);
  expect(preflight.headers['access-control-allow-headers']).toContain('x-api-key');
  const refused = await app.inject({ method: 'POST', url: '/predict' });
  expect(refused.headers['access-control-allow-origin']).toBe('https://desk.example');
});

test('every answer carries security headers and a request id; a harmless one of the caller is kept', async () => {
  const app = await service.app();
  for (const url of ['/v2', '/nowhere', '/docs']) {
    const { headers } = await app.inject(url);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  }
  const idOf = async (id: string) =>
    (await app.inject({ url: '/v2', headers: { 'x-request-id': id } })).headers['x-request-id'];
  expect(await idOf('trace-42.a:b')).toBe('trace-42.a:b');
  for (const bad of ['two words', '\u001b[31m', 'x'.repeat(200), '<b>']) expect(await idOf(bad)).not.toBe(bad);
});

test('what a client writes stands in the log without control characters', async () => {
  const app = await service.app();
  service.log.length = 0;
  await app.inject({
    method: 'POST',
    url: '/predict?a=%0a',
    headers: { 'content-type': 'a/b\u007f\u009b31m' },
    payload: 'x',
  });
  await talk(app, ['GET /\u009b31m\u00adx HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']);
  const text = JSON.stringify(service.log);
  expect(service.log.length).toBeGreaterThanOrEqual(1);
  expect(text).not.toMatch(/[\u007f-\u009f\u00ad]/);
});

test('a request that does not end is answered with 408 and closed', async () => {
  const app = await service.app({ receive_ms: 300 });
  const answers = await Promise.all([
    talk(app, ['POST /predict HTTP/1.1\r\nHost: x\r\n']),
    talk(app, [head(5000), 'abc']),
  ]);
  for (const answer of answers) {
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
    expect(answer).toContain('CROSSCHECK_SERVER_UPLOAD_SLOW');
  }
});

test('an idle connection is closed', async () => {
  const app = await service.app({ keep_alive_ms: 200 });
  expect(await talk(app, ['GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n'])).toMatch(/^HTTP\/1.1 200 OK/);
});

const post = 'POST /predict HTTP/1.1\r\nHost: x\r\n';

test.each([
  ['nonsense', 400, 'CROSSCHECK_SERVER_REQUEST_INVALID', 'nonsense\r\n\r\n'],
  ['two lengths', 400, 'CROSSCHECK_SERVER_REQUEST_INVALID', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  [
    'a length beside chunks',
    400,
    'CROSSCHECK_SERVER_REQUEST_INVALID',
    `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['huge headers', 431, 'CROSSCHECK_SERVER_HEADERS_TOO_LARGE', `${post}X: ${'x'.repeat(20_000)}\r\n\r\n`],
])('%s on the wire: %i in the same shape as every error', async (_, status, code, bytes) => {
  const [headers = '', body = ''] = (await talk(await service.app(), [bytes])).split('\r\n\r\n');
  expect(headers).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(body)).toMatchObject({ statusCode: status, code, detail: expect.any(String) });
});

test('a client that is still sending a refused body sees the answer', async () => {
  const app = await service.app({ max_body_bytes: 1000 });
  const answer = await talk(app, [head(3_000_000), Buffer.alloc(3_000_000)]);
  expect(answer).toContain('CROSSCHECK_SERVER_BODY_TOO_LARGE');
  const key = await service.app({ api_key: 'k' });
  expect(await talk(key, [head(3_000_000), Buffer.alloc(3_000_000)])).toContain('CROSSCHECK_SERVER_KEY_REFUSED');
});

test('an upload that is broken off frees its memory and its place', async () => {
  const app = await service.app({ max_posts: 5 });
  const body = postForm('words', largePicture);
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      const socket = net.connect(await portOf(app), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(head(body.length));
      socket.write(body.subarray(0, body.length / 2), () => socket.destroy());
      await once(socket, 'close');
    }),
  );
  await expect.poll(() => app.service.inFlight).toBe(0);
  expect(service.log.some(({ status }) => (status as number) >= 500 && status !== 504)).toBe(false);
});

test('a client that leaves while its post waits has the work dropped', async () => {
  const app = await service.app({ max_posts: 6 });
  const body = postForm('words', largePicture);
  const { posts } = service.classifier.stats();
  const socket = net.connect(await portOf(app), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(head(body.length));
  socket.write(body);
  await expect.poll(() => service.classifier.stats().queueDepth, { interval: 1 }).toBe(1);
  socket.destroy();
  await expect.poll(() => service.classifier.stats().queueDepth).toBe(0);
  await expect
    .poll(() => service.log.some(({ status, code }) => status === 499 && code === 'CROSSCHECK_SERVER_CLIENT_GONE'))
    .toBe(true);
  expect(service.classifier.stats().posts).toBe(posts);
});

async function portOf(app: App): Promise<number> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
