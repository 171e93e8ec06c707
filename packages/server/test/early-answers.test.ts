import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { App, ServeSettings } from '../src/index.ts';
import { formType } from './forms.ts';
import { tinyService } from './tiny-service.ts';

const service = tinyService();
const size = 20_000_000;

async function connect(app: App): Promise<net.Socket> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = net.connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends everything before it reads anything, as simple clients do. */
async function sendThenRead(app: App, head: string, body: Buffer): Promise<string> {
  const socket = await connect(app);
  socket.write(head);
  await new Promise<void>((resolve, reject) => socket.write(body, (error) => (error ? reject(error) : resolve())));
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const headOf = (fields: string[], path = '/predict') =>
  [`POST ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...fields, '', ''].join('\r\n');
const form = `Content-Type: ${formType}`;
const length = `Content-Length: ${size}`;
const body = Buffer.alloc(size, 'x');
const chunked = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

interface Refused {
  status: number;
  settings?: Partial<ServeSettings>;
  head: string;
  sent?: Buffer;
}

const refused: Record<string, Refused> = {
  'a length above the limit': { status: 413, head: headOf([form, length]) },
  'chunks above the limit': { status: 413, head: headOf([form, 'Transfer-Encoding: chunked']), sent: chunked },
  'no key': { status: 401, settings: { api_key: 'k' }, head: headOf([form, length]) },
  'another media type': { status: 415, head: headOf(['Content-Type: text/plain', length]) },
  'a content encoding': { status: 415, head: headOf([form, 'Content-Encoding: gzip', length]) },
  'a path that nothing answers': { status: 404, head: headOf([form, length], '/nowhere') },
  'a path that is no URL': { status: 400, head: headOf([form, length], '/%zz') },
  'a method that does not fit': { status: 405, head: headOf([form, length], '/health') },
};

test.each(Object.entries(refused))(
  '%s: a client that closes after its answer reads it when it has sent its body',
  async (_, { status, settings = {}, head, sent = body }) => {
    const answer = await sendThenRead(await service.app(settings), head, sent);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ statusCode: status });
  },
);

test('so does one that is refused because there is no room for its body', async () => {
  const app = await service.app({ max_buffered_bytes: 2 * size, max_body_bytes: 2 * size });
  const first = await connect(app);
  first.write(headOf([form, `Content-Length: ${2 * size}`]));
  await new Promise((resolve) => first.write(Buffer.alloc(2 * size - 1), resolve));
  const second = await sendThenRead(app, headOf([form, length]), body);
  expect(second).toMatch(/^HTTP\/1.1 429 /);
  expect(second).toContain('CROSSCHECK_SERVER_BUSY');
  first.destroy();
});

test('a client that sends for ever is cut off', async () => {
  const app = await service.app();
  const socket = await connect(app);
  socket.on('error', () => {}).resume();
  socket.write(headOf([form, `Content-Length: ${2 ** 40}`]));
  const piece = Buffer.alloc(2 ** 20);
  const send = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', send);
  send();
  await once(socket, 'close');
  await expect.poll(() => app.service.inFlight).toBe(0);
});

test('a connection that is kept takes the next request after a refused body', async () => {
  const app = await service.app();
  const socket = await connect(app);
  socket.write(`POST /predict HTTP/1.1\r\nHost: x\r\n${form}\r\n${length}\r\n\r\n`);
  socket.write(body);
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let answers = '';
  for await (const chunk of socket) answers += String(chunk);
  expect(answers).toMatch(/^HTTP\/1.1 413 [^]*HTTP\/1.1 200 /);
});
