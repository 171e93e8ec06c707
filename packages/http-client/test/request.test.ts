import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import zlib from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { runEntry } from '../../testkit/src/index.ts';
import { fetchWhole, readAtMost, reasonOf, request } from '../src/index.ts';
import { endings } from './support/closing-server.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** Answers when the whole request is there. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request
      .on('data', (part: Buffer) => parts.push(part))
      .on('end', () => answer(request, response, Buffer.concat(parts)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const textOf = async (url: string, options: Partial<Parameters<typeof request>[0]> = {}) =>
  (await readAtMost(await request({ url, ...options }), 1 << 20)).toString();

/** Lets the timers' hours pass, so that none depends on how busy this machine is. */
async function passTime(): Promise<never> {
  for (;;) {
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a server that closes', () => {
  test('in whatever way, while a slow reader has the rest before it, never ends the process', async () => {
    const { code, stdout, stderr } = await runEntry('packages/http-client/test/bin/read-slowly.ts', []);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const outcomes = JSON.parse(stdout) as { ending: string; bytes: number; received?: number; error?: string }[];
    expect(outcomes).toHaveLength(96);
    const broken = { error: expect.stringMatching(/aborted|ECONNRESET/) };
    for (const { ending, bytes, ...outcome } of outcomes)
      expect({ ending, ...outcome }).toEqual({ ending, ...(endings[ending]?.isWhole ? { received: bytes } : broken) });
  });

  test('before its answer, or with an answer that leads elsewhere, is an error with a reason', async () => {
    const heads = [
      '',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'no HTTP\r\n\r\n',
    ];
    for (const head of heads) {
      const server = net.createServer((socket) => socket.once('data', () => socket.end(head)));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const error = await request({ url }).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(Error);
      expect(reasonOf(error)).not.toBe('');
      server.close();
    }
  });
});

describe('redirects', () => {
  test('are followed, and to another origin no secret goes along', async () => {
    const seen: Record<string, unknown>[] = [];
    const other = await serve(({ headers }, response) => {
      seen.push(headers);
      response.end('there');
    });
    const url = await serve(({ url: path, headers }, response) => {
      seen.push(headers);
      response.writeHead(path === '/' ? 307 : 302, { location: path === '/' ? '/next' : other }).end();
    });
    const headers = { Authorization: 'Bearer secret', 'X-Custom-Key': 'secret', Range: 'bytes=5-' };
    expect(await textOf(url, { headers })).toBe('there');
    expect(seen[1]).toMatchObject({ authorization: 'Bearer secret', 'x-custom-key': 'secret', range: 'bytes=5-' });
    expect(seen[2]).toMatchObject({ range: 'bytes=5-' });
    expect(JSON.stringify(seen[2])).not.toContain('secret');
  });

  test('come to an end, and lead to nothing but http(s)', async () => {
    const circle = await serve((_, response) => void response.writeHead(302, { location: '/' }).end());
    await expect(request({ url: circle })).rejects.toThrow('more than 10 redirects');
    expect((await request({ url: circle, redirects: 0 })).status).toBe(302);
    const toFile = await serve((_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end());
    await expect(request({ url: toFile })).rejects.toThrow('expected http:// or https://, got file:');
  });
});

describe('bodies', () => {
  const encodings = {
    gzip: zlib.gzipSync,
    deflate: zlib.deflateSync,
    br: zlib.brotliCompressSync,
    'gzip, br': (bytes: Buffer) => zlib.brotliCompressSync(zlib.gzipSync(bytes)),
  };
  test.each(Object.entries(encodings))('that come as %s are read as they were', async (encoding, encode) => {
    const seen: (string | undefined)[] = [];
    const url = await serve(({ headers }, response) => {
      seen.push(headers['accept-encoding'] as string);
      response.writeHead(200, { 'content-encoding': encoding }).end(encode(Buffer.from('words '.repeat(1000))));
    });
    expect(await textOf(url)).toBe('words '.repeat(1000));
    expect(seen).toEqual(['identity']);
  });

  test('that end in the middle of their compression are damaged, and unknown ones refused', async () => {
    const cut = await serve((_, response) => {
      const bytes = zlib.gzipSync(Buffer.from('words '.repeat(1000)));
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes.subarray(0, 30));
    });
    await expect(textOf(cut)).rejects.toThrow('unexpected end of file');
    const odd = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'lzma' }).end('x'));
    await expect(textOf(odd)).rejects.toThrow('got lzma');
  });

  test('that fall silent are given up, but a reader may take its time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const halting = await serve((_, response) => void response.writeHead(200).write('half'));
    const silent = await serve(() => {});
    for (const url of [halting, silent]) {
      const outcome = textOf(url).catch((error: Error) => error.message);
      expect(await Promise.race([outcome, passTime()])).toBe('nothing for 60 s');
    }
    const whole = await serve((_, response) => response.end(Buffer.alloc(1 << 20)));
    let size = 0;
    for await (const chunk of (await request({ url: whole })).chunks) {
      await vi.advanceTimersByTimeAsync(3_600_000);
      size += chunk.byteLength;
    }
    expect(size).toBe(1 << 20);
  });

  test('end when they are aborted, or are longer than wanted', async () => {
    const endless = await serve((_, response) => {
      const write = () => void response.write(Buffer.alloc(1 << 16), (error) => error ?? setImmediate(write));
      write();
    });
    const abort = new AbortController();
    const { chunks } = await request({ url: endless, signal: abort.signal });
    const read = async () => {
      for await (const chunk of chunks) if (chunk.byteLength > 0) abort.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    await expect(textOf(endless)).rejects.toThrow(`at most ${1 << 20} bytes`);
    await expect(request({ url: endless, signal: abort.signal })).rejects.toThrow('enough');
  });

  test('are sent, whole', async () => {
    const url = await serve(({ method, headers }, response, body) =>
      response.end(`${method} ${body.length} ${headers['content-length']}`),
    );
    expect(await textOf(url, { method: 'PUT', body: Buffer.alloc(1_000_000) })).toBe('PUT 1000000 1000000');
    expect(await textOf(url, { method: 'POST' })).toBe('POST 0 0');
  });
});

test('an address with a password is refused without showing it', async () => {
  await expect(request({ url: 'http://ada:secret@127.0.0.1:9/x' })).rejects.toThrow(
    'expected an address without user and password, got http://127.0.0.1:9/x with one',
  );
});

test('a connection that is refused has a reason', async () => {
  const error = await request({ url: 'http://localhost:9' }).catch((cause: unknown) => cause);
  expect(reasonOf(error)).toContain('ECONNREFUSED');
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const knowsProxies = major > 24 || (major === 24 && minor >= 5);

test.skipIf(!knowsProxies)('HTTP_PROXY is used, but not for this machine', async () => {
  const proxy = await serve(({ url }, response) => response.end(`proxied ${url}`));
  const own = await serve((_, response) => response.end('direct'));
  const code = `import { fetchWhole } from '${import.meta.dirname}/../src/index.ts';
    for (const url of ['http://posts.invalid/1.jpg', '${own}/'])
      console.log(await (await fetchWhole(url)).text());`;
  const said = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: '', no_proxy: '' };
    execFile(process.execPath, ['--input-type=module', '--eval', code], { env }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  expect(said).toBe('proxied http://posts.invalid/1.jpg\ndirect\n');
});

test('small answers come as a whole, forms go as a whole', async () => {
  const url = await serve(({ headers }, response, body) => {
    response.writeHead(201, { 'x-type': headers['content-type'] ?? '' }).end(JSON.stringify({ body: String(body) }));
  });
  const form = new FormData();
  form.set('text', 'a post');
  const answer = await fetchWhole(url, { method: 'POST', body: form });
  expect(answer.status).toBe(201);
  expect(answer.headers.get('x-type')).toMatch(/^multipart\/form-data; boundary=/);
  expect(((await answer.json()) as { body: string }).body).toContain('a post');
});
