import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inferenceConfigSchema } from '@crosscheck/config';
import { fetchWhole, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listen } from '../src/process/listen.ts';
import { findChromium, openTab, type Tab } from './chromium.ts';
import { formRequest, postForm } from './forms.ts';
import { defaultSettings, picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const folder = temporaryFolder();
afterAll(() => folder.remove());

const serversOf = async (app: Awaited<ReturnType<typeof service.app>>, url: string, headers = {}, from = '127.0.0.1') =>
  (await app.inject({ url, headers, remoteAddress: from })).json().servers;

test('a base path is taken off, and stands in what the client sees', async () => {
  const app = await service.app({ base_path: '/desk/crosscheck' });
  for (const path of ['', '/desk/crosscheck']) {
    for (const url of ['/', '/docs', '/docs/', '/livez', '/page/page.js', '/v2', '/metrics', '/openapi.json?x=1'])
      expect([url, (await app.inject(path + url)).statusCode]).toEqual([url, 200]);
    expect(await serversOf(app, `${path}/openapi.json`)).toEqual([{ url: '/desk/crosscheck' }]);
    expect((await app.inject(formRequest(postForm('a flood', picture), `${path}/predict`))).statusCode).toBe(200);
  }
  const bare = await app.inject('/desk/crosscheck');
  expect([bare.statusCode, bare.headers.location]).toEqual([302, '/desk/crosscheck/']);
  expect((await app.inject('/desk/crosscheckers')).statusCode).toBe(404);
  expect((await app.inject({ method: 'POST', url: '/desk/crosscheck/v2/models/x/infer' })).json()).toEqual({
    error: expect.stringContaining('no model "x"'),
  });
});

test('the path that a proxy names holds if the proxy is trusted, and is a path', async () => {
  const app = await service.app({ trusted_proxies: ['10.0.0.0/8', 'fd00::1'] });
  const named = { 'x-forwarded-prefix': '/crosscheck' };
  for (const from of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1'])
    expect(await serversOf(app, '/openapi.json', named, from)).toEqual([{ url: '/crosscheck' }]);
  for (const from of ['11.1.2.3', '127.0.0.1', 'fd00::2'])
    expect(await serversOf(app, '/openapi.json', named, from)).toBeUndefined();
  for (const bad of ['crosscheck', '/a/', '//evil.example', '/a?b', '/<script>', 'https://evil.example', '/a, /b'])
    expect(await serversOf(app, '/openapi.json', { 'x-forwarded-prefix': bad }, '10.0.0.1')).toBeUndefined();
  const unstripped = { url: '/crosscheck/livez', headers: named };
  expect((await app.inject({ ...unstripped, remoteAddress: '10.0.0.1' })).statusCode).toBe(200);
  expect((await app.inject({ ...unstripped, remoteAddress: '11.0.0.1' })).statusCode).toBe(404);
  for (const wrong of ['gateway', '10.0.0.0/33', '10.0.0.1/8/8', '::/129', ''])
    expect(inferenceConfigSchema.safeParse({ serve: { trusted_proxies: [wrong] } }).success).toBe(false);
});

test('behind a trusted proxy the log names the client, not the proxy', async () => {
  const clientOf = async (proxies: string[]) => {
    service.log.length = 0;
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    await (await service.app({ trusted_proxies: proxies })).inject({ url: '/v2', headers, remoteAddress: '10.0.0.1' });
    return service.log.find(({ url }) => url === '/v2')?.client;
  };
  expect([await clientOf(['10.0.0.1']), await clientOf(['10.0.0.2'])]).toEqual(['203.0.113.9', '10.0.0.1']);
});

test('by default IPv6 and IPv4 are answered on one port, and IPv4 alone where there is no other', async () => {
  const app = await service.app({ max_posts: 3 });
  await listen(app, { ...defaultSettings, port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const hosts = ['127.0.0.1', ...(existsSync('/proc/net/if_inet6') ? ['[::1]'] : [])];
  for (const host of hosts) expect((await fetchWhole(`http://${host}:${port}/livez`)).status).toBe(200);
  const asked: unknown[] = [];
  const without = {
    async listen({ host }: { host: string }) {
      asked.push(host);
      if (host === '::') throw Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' });
      return 'http://0.0.0.0:1';
    },
  };
  expect(await listen(without as never, { ...defaultSettings, base_path: '/x' })).toBe('http://0.0.0.0:1/x');
  expect(asked).toEqual(['::', '0.0.0.0']);
});

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((file) => existsSync(file)) ?? null;
const chromium = findChromium();

/** One port for each way in; `service` is asked by its port. */
const config = (dir: string, ports: Record<string, number>) => `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes 1;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')}
  server { listen 127.0.0.1:${ports.stripped}; location /crosscheck/ { proxy_pass http://127.0.0.1:${ports.based}/; } }
  server { listen 127.0.0.1:${ports.whole}; location /crosscheck { proxy_pass http://127.0.0.1:${ports.based}; } }
  server { listen 127.0.0.1:${ports.silent}; location /crosscheck/ { proxy_pass http://127.0.0.1:${ports.plain}/; } }
  server { listen 127.0.0.1:${ports.named}; location /crosscheck { proxy_pass http://127.0.0.1:${ports.trusting};
    proxy_set_header X-Forwarded-Prefix /crosscheck; } }
}`;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe.skipIf(nginx === null || chromium === null)(
  'through nginx, in Chromium (skipped where one is missing)',
  () => {
    const ports: Record<string, number> = {};
    let gateway: ChildProcess;
    beforeAll(async () => {
      const settings = { based: { base_path: '/crosscheck' }, plain: {}, trusting: { trusted_proxies: ['127.0.0.1'] } };
      for (const [name, changes] of Object.entries(settings)) {
        const app = await service.app({ ...changes, max_posts: 30 });
        await app.listen({ host: '127.0.0.1', port: 0 });
        ports[name] = (app.server.address() as AddressInfo).port;
      }
      for (const name of ['stripped', 'whole', 'silent', 'named']) ports[name] = await freePort();
      writeFileSync(`${folder.dir}/nginx.conf`, config(folder.dir, ports));
      gateway = spawn(nginx as string, ['-p', folder.dir, '-c', `${folder.dir}/nginx.conf`], { stdio: 'ignore' });
      const isUp = () =>
        fetchWhole(`http://127.0.0.1:${ports.named}/crosscheck/livez`).then(
          ({ status }) => status,
          () => 0,
        );
      for (let tries = 0; tries < 200 && (await isUp()) !== 200; tries++) await sleep(100);
    });
    afterAll(async () => {
      const ended = once(gateway, 'exit');
      gateway.kill();
      await ended;
    });

    const ways = [
      ['takes the path away', 'stripped'],
      ['leaves it', 'whole'],
      ['takes it away and nobody knows of it', 'silent'],
      ['leaves it and names it', 'named'],
    ];
    test.each(ways)('page, verdict and documentation work where the gateway %s', async (_, way) => {
      const origin = `http://127.0.0.1:${ports[way as string]}`;
      const profile = `${folder.dir}/profile-${way}`;
      mkdirSync(profile);
      const tab: Tab = await openTab(chromium as string, profile, `${origin}/crosscheck`);
      const soon = (expression: string, value: unknown) =>
        expect.poll(() => tab.evaluate(expression).catch(() => null), { timeout: 30_000 }).toBe(value);
      try {
        await soon('location.pathname + document.readyState', '/crosscheck/complete');
        await tab.evaluate("document.querySelectorAll('[data-picture]')[0].click()");
        await soon("document.getElementById('words').innerText", 'A wildfire burns above Port Alder on Friday');
        await tab.evaluate("document.querySelector('header a:last-child').click()");
        await soon("document.querySelectorAll('.opblock').length > 8", true);
        const tried = `(async () => {
        const open = document.querySelector('#operations-health-get_livez');
        open.querySelector('.opblock-summary-control').click();
        const wait = async (css) => { for (;;) { const found = open.querySelector(css); if (found) return found; await new Promise((r) => setTimeout(r, 50)); } };
        (await wait('button.execute')).click();
        return (await wait('.live-responses-table tbody .response-col_status')).innerText.trim();
      })()`;
        expect(await tab.evaluate(tried)).toMatch(/^200/);
        expect(
          tab.requested.filter((url) => !url.startsWith(`${origin}/crosscheck`) && !/^(blob|data):/.test(url)),
        ).toEqual([]);
        expect(tab.complaints).toEqual([]);
      } finally {
        await tab.close();
      }
    });
  },
);
