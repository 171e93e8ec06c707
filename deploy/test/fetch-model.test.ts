import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { repositoryRoot, startPythonServer, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { writeTinyArtifact } from '../../packages/exporter/test/tiny-artifact.ts';
import { readArtifact, verifyHashes } from '../../packages/inference/src/index.ts';

const folder = temporaryFolder();
const published = path.join(folder.dir, 'published');
const requests: string[] = [];
let failures = 0;
/** The connection breaks when so many bytes of a body are kept: one number for each answer. */
const breaks: number[] = [];
let count = 0;
let dir: string;

const server = http.createServer((request, response) => {
  const name = path.basename(request.url as string);
  requests.push([name, request.headers.range].filter(Boolean).join(' '));
  if (request.headers.authorization !== 'Bearer secret') return response.writeHead(401).end();
  if (failures > 0) {
    failures--;
    return response.writeHead(503).end();
  }
  const file = path.join(published, name);
  if (!existsSync(file)) return response.writeHead(404).end();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const whole = readFileSync(file);
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${whole.length - 1}/${whole.length}`);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': whole.length - from });
  const end = name === 'artifact.json' ? undefined : breaks.shift();
  if (end === undefined) return response.end(whole.subarray(from));
  const kept = () => statSync(`${dir}/${name}.partial`, { throwIfNoEntry: false })?.size ?? 0;
  const destroyWhenKept = () => void (kept() < from + end ? setTimeout(destroyWhenKept, 5) : response.destroy());
  return response.write(whole.subarray(from, from + end), destroyWhenKept);
});

beforeAll(async () => {
  mkdirSync(published);
  await writeTinyArtifact(published, { threshold: 0.5 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  folder.remove();
});
beforeEach(() => {
  requests.length = 0;
  dir = path.join(folder.dir, `model-${count++}`);
  mkdirSync(dir);
});

async function fetchModel(
  env: Record<string, string> = {},
  ...args: string[]
): Promise<{ code: number; said: string }> {
  const { port } = server.address() as AddressInfo;
  const address = { MODEL_URL: `http://127.0.0.1:${port}/1.8`, MODEL_DIR: dir, MODEL_TOKEN: 'secret', ...env };
  const script = `${repositoryRoot}/k8s/components/model-from-http/fetch-model.mjs`;
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...address } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

test('fetches a folder that the service accepts', async () => {
  failures = 1;
  const { code, said } = await fetchModel();
  expect(code).toBe(0);
  expect(said).toContain('attempt 1 of 5');
  expect(readdirSync(dir).toSorted()).toEqual(readdirSync(published).toSorted());
  const artifact = await readArtifact(dir);
  await verifyHashes(artifact);
});

test('fetches only what is missing the second time', async () => {
  await fetchModel();
  requests.length = 0;
  const before = statSync(`${dir}/tokenizer.json`).mtimeMs;
  expect((await fetchModel()).code).toBe(0);
  expect(requests).toEqual(['artifact.json']);
  expect(statSync(`${dir}/tokenizer.json`).mtimeMs).toBe(before);
});

test('goes on where a connection broke, and begins anew where what is there is of another file', async () => {
  breaks.push(1_000);
  const { code, said } = await fetchModel();
  expect(code).toBe(0);
  expect(said).toContain('attempt 1 of 5: aborted');
  expect(requests.filter((request) => request.endsWith('bytes=1000-'))).toHaveLength(1);
  const config = path.join(dir, 'config.json');
  writeFileSync(`${config}.partial`, 'of another version');
  unlinkSync(config);
  requests.length = 0;
  expect((await fetchModel({ MODEL_ATTEMPTS: '1' })).code).toBe(0);
  expect(requests).toEqual(['artifact.json', 'config.json bytes=18-', 'config.json']);
  expect(readFileSync(config)).toEqual(readFileSync(path.join(published, 'config.json')));
});

test('a server that closes after every answer does not end it', async () => {
  const { url, stop } = await startPythonServer(published);
  onTestFinished(stop);
  const { code, said } = await fetchModel({ MODEL_URL: url });
  expect({ code, said }).toEqual({ code: 0, said: expect.not.stringContaining('attempt') });
});

test('refuses a file that is not the one in artifact.json', async () => {
  const file = path.join(published, 'config.json');
  const whole = readFileSync(file);
  writeFileSync(file, 'changed');
  const { code, said } = await fetchModel({ MODEL_ATTEMPTS: '1' });
  writeFileSync(file, whole);
  expect(code).toBe(1);
  expect(said).toMatch(/config\.json has sha256 \w+, but artifact\.json says \w+/);
  expect(existsSync(path.join(dir, 'artifact.json'))).toBe(false);
});

test('with --wait it asks nobody, and ends when another one has fetched everything', async () => {
  const waiting = fetchModel({ MODEL_URL: '', MODEL_TOKEN: '' }, '--wait');
  expect((await fetchModel()).code).toBe(0);
  const { code, said } = await waiting;
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('is whole') });
  writeFileSync(path.join(dir, 'config.json'), 'changed');
  expect(await fetchModel({ MODEL_URL: '' }, '--wait')).toMatchObject({ code: 1 });
});

test('says which address refuses it', async () => {
  const { code, said } = await fetchModel({ MODEL_TOKEN: '', MODEL_ATTEMPTS: '1' });
  expect(code).toBe(1);
  expect(said).toMatch(/artifact\.json answers 401 Unauthorized/);
});
