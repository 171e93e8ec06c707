import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openStore, readAll } from '../src/index.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
}

const patience = { tries: 3, backoffMs: 5, silenceMs: 200 };
const answers =
  (status: number): RequestListener =>
  (_, response) =>
    response.writeHead(status).end('<Code>No</Code>');

test('http(s) addresses are read with their headers, keys encoded', async () => {
  const seen: string[] = [];
  const url = await serve(({ url, method, headers }, response) => {
    seen.push(`${method} ${url} ${headers.authorization}`);
    response.end('picture');
  });
  const store = openStore(`${url}/`, { headers: { authorization: 'Basic eA==' } });
  expect((await readAll(store, 'a b/ü#1.jpg')).toString()).toBe('picture');
  expect(await store.exists('x')).toBe(true);
  expect(seen).toEqual(['GET /base/a%20b/%C3%BC%231.jpg Basic eA==', 'HEAD /base/x Basic eA==']);
});

test('a failure that may pass is tried again', async () => {
  let count = 0;
  const url = await serve((_, response) => response.writeHead(++count < 3 ? 503 : 200).end('late'));
  expect((await readAll(openStore(url, { patience }), 'x')).toString()).toBe('late');
});

test.each([
  [403, 'CROSSCHECK_STORAGE_DENIED'],
  [404, 'CROSSCHECK_STORAGE_NOT_FOUND'],
  [500, 'CROSSCHECK_STORAGE_UNREACHABLE'],
  [418, 'CROSSCHECK_STORAGE_UNREACHABLE'],
])('%i becomes %s', async (status, code) => {
  const url = await serve(answers(status));
  await expect(readAll(openStore(url, { patience }), 'x')).rejects.toMatchObject({ code });
});

test('a server that is away, silent, or falls silent is named', async () => {
  const silent = await serve(() => {});
  const halting = await serve((_, response) => void response.writeHead(200, { 'content-length': 100 }).write('half'));
  for (const url of ['http://127.0.0.1:9/base', silent, halting])
    await expect(readAll(openStore(url, { patience }), 'x')).rejects.toMatchObject({
      code: 'CROSSCHECK_STORAGE_UNREACHABLE',
      message: expect.stringContaining(`${url}/x`),
    });
});

test('http(s) addresses are neither listed nor written to', async () => {
  const store = openStore('http://127.0.0.1:9');
  await expect(store.list('')).rejects.toMatchObject({ code: 'CROSSCHECK_STORAGE_NO_LISTING' });
  await expect(store.write('a', Buffer.alloc(1))).rejects.toMatchObject({ code: 'CROSSCHECK_STORAGE_READ_ONLY' });
});

test.each(['gs://bucket/x', 's3://', 's3:///x', 'ftp://host'])('%s is no address', (url) => {
  expect(() => openStore(url)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_STORAGE_BAD_URL' }));
});
