import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { isCrosscheckError } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchImage, isPrivate } from '../src/http/fetch-image.ts';
import { formBody, formRequest, postForm } from './forms.ts';
import { defaultSettings, largePicture, picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const base64 = Buffer.from(picture).toString('base64');
const ask = async (payload: object | string, settings = {}, url = '/predict') => {
  const app = await service.app(settings);
  const headers = { 'content-type': 'application/json' };
  return app.inject({ method: 'POST', url, headers, payload });
};

test.each([
  ['base64', base64],
  ['base64 with line breaks', base64.replaceAll(/.{76}/g, '$&\r\n')],
  ['base64 for URLs', Buffer.from(picture).toString('base64url')],
  ['a data URL', `data:image/png;base64,${base64}`],
])('a post as JSON with its image in %s is judged like the form', async (_, image) => {
  const form = await (await service.app()).inject(formRequest(postForm('a flood, naïve', picture, 'flood.png')));
  const answer = await ask({ text: 'a flood, naïve', image, filename: 'flood.png', abstain: false });
  expect([answer.statusCode, answer.json()]).toEqual([200, form.json()]);
});

test('reasons are given for JSON, too', async () => {
  const answer = await ask({ text: 'a flood', image: base64 }, {}, '/explain');
  expect(answer.json()).toMatchObject({ filename: '', heat_map: { rows: expect.any(Number) } });
});

test.each([
  ['a list', [], 'body: Input should be an object'],
  ['no image', { text: 'a' }, 'image: Field required'],
  ['a number for text', { text: 1, image: base64 }, 'text: Input should be a string'],
  ['no base64', { text: 'a', image: 'these are notes!' }, 'image: Input should be an image in base64'],
  ['a misspelt field', { text: 'a', image: base64, picture: 1 }, 'picture: Extra fields'],
  ['a word for abstain', { text: 'a', image: base64, abstain: 'yes' }, 'abstain: Input should be true or false'],
  ['a text that is too long', { text: 'a'.repeat(10_001), image: base64 }, 'text: String should have at most'],
  ['image and image_url, where that is off', { text: 'a', image: base64, image_url: 'https://x.example/a.jpg' }, 'off'],
])('%s is refused with the field', async (_, payload, reason) => {
  const answer = await ask(JSON.stringify(payload));
  expect([answer.statusCode, answer.json().message]).toEqual([422, expect.stringContaining(reason)]);
});

test('nothing is fetched unless hosts are listed', async () => {
  const post = { text: 'a', image_url: 'https://images.example/a.jpg' };
  expect((await ask(post)).json()).toMatchObject({ statusCode: 422, code: 'CROSSCHECK_FETCH_OFF' });
  const form = formBody([
    { name: 'text', value: 'a' },
    { name: 'image_url', value: post.image_url },
  ]);
  const fetch = {
    ...defaultSettings.fetch,
    hosts: ['other.example', '*.listed.example', '127.0.0.1', '[::1]', 'localhost'],
  };
  expect((await (await service.app({ fetch })).inject(formRequest(form))).json().code).toBe('CROSSCHECK_FETCH_HOST');
  const codeOf = async (url: string) => (await ask({ text: 'a', image_url: url }, { fetch })).json().code;
  for (const url of ['http://other.example/a.jpg', 'file:///etc/passwd', 'nonsense', 'https://a:b@other.example/'])
    expect([url, await codeOf(url)]).toEqual([url, 'CROSSCHECK_FETCH_URL']);
  for (const url of ['https://listed.example/', 'https://other.example.evil/', 'https://other.example:8443/'])
    expect([url, await codeOf(url)]).toEqual([url, 'CROSSCHECK_FETCH_HOST']);
  for (const url of [
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://localhost/',
    'https://2130706433/',
    'https://0x7f.1/',
  ])
    expect([url, await codeOf(url)]).toEqual([url, 'CROSSCHECK_FETCH_ADDRESS']);
});

test('addresses that are not of the public internet are known', () => {
  const inside = [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
  ];
  const inside6 = [
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::a00:1',
    '2002:a00:1::',
  ];
  for (const address of [...inside, ...inside6, 'no address'])
    expect([address, isPrivate(address)]).toEqual([address, true]);
  for (const address of ['93.184.216.34', '8.8.8.8', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8'])
    expect([address, isPrivate(address)]).toEqual([address, false]);
});

const openssl = ['/usr/bin/openssl', '/usr/local/bin/openssl'].find((file) => existsSync(file));

describe.skipIf(!openssl)('from a real host over TLS (skipped where there is no openssl)', () => {
  const folder = temporaryFolder();
  let host: https.Server;
  let origin: string;
  let ca: string;
  beforeAll(async () => {
    const [key, cert] = [`${folder.dir}/key.pem`, `${folder.dir}/cert.pem`];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync(
      openssl as string,
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    );
    ca = readFileSync(cert, 'utf8');
    const answers: Record<string, (response: import('node:http').ServerResponse) => void> = {
      '/flood.png': (response) => response.end(picture),
      '/moved': (response) => response.writeHead(302, { location: '/flood.png' }).end(),
      '/away': (response) => response.writeHead(302, { location: 'https://evil.example/flood.png' }).end(),
      '/down': (response) => response.writeHead(302, { location: 'http://localhost/flood.png' }).end(),
      '/round': (response) => response.writeHead(302, { location: '/round' }).end(),
      '/large': (response) => response.end(largePicture),
      '/endless': (response) => void response.write(Buffer.alloc(2000), () => response.write(Buffer.alloc(9000))),
      '/slow': (response) => void response.write(picture.subarray(0, 10)),
      '/cut': (response) => response.writeHead(200, { 'content-length': '5000' }).write('x', () => response.destroy()),
    };
    host = https.createServer({ key: readFileSync(key), cert: ca }, ({ url = '' }, response) => {
      const answer = answers[url];
      if (answer) answer(response);
      else response.writeHead(404).end();
    });
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    origin = `https://localhost:${(host.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    host.closeAllConnections();
    host.close();
    folder.remove();
  });

  const budget = { limit: 1e6, used: 0 };
  const fetch = (path: string, world = {}, timeout = 5000) => {
    const settings = { hosts: [new URL(origin).host], max_bytes: 8000, timeout_ms: timeout };
    const { signal } = new AbortController();
    return fetchImage(origin + path, settings, { budget, signal, world: { ca, isPrivate: () => false, ...world } });
  };
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: unknown) => (isCrosscheckError(error) ? error.code : String(error)),
    );

  test('an image comes whole, also after a redirect on its host', async () => {
    for (const path of ['/flood.png', '/moved']) expect(Buffer.compare(await fetch(path), picture)).toBe(0);
    expect(budget.used).toBe(2 * picture.length);
    budget.used = 0;
  });

  test('what is wrong has its own code, and leaves nothing on the budget', async () => {
    const expected = {
      '/away': 'REDIRECT',
      '/down': 'REDIRECT',
      '/round': 'REDIRECT',
      '/large': 'TOO_LARGE',
      '/endless': 'TOO_LARGE',
      '/nothing': 'FAILED',
      '/cut': 'FAILED',
    };
    for (const [path, code] of Object.entries(expected))
      expect([path, await codeOf(fetch(path))]).toEqual([path, `CROSSCHECK_FETCH_${code}`]);
    expect(await codeOf(fetch('/slow', {}, 150))).toBe('CROSSCHECK_FETCH_TIMEOUT');
    expect(await codeOf(fetch('/flood.png', { ca: '' }))).toBe('CROSSCHECK_FETCH_FAILED');
    expect(await codeOf(fetch('/flood.png', { isPrivate }))).toBe('CROSSCHECK_FETCH_ADDRESS');
    expect(budget.used).toBe(0);
  });
});
