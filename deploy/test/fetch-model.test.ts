import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeTinyArtifact } from '../../packages/exporter/test/tiny-artifact.ts';
import { readArtifact, verifyHashes } from '../../packages/inference/src/index.ts';

const folder = temporaryFolder();
const published = path.join(folder.dir, 'published');
const requests: string[] = [];
let failures = 0;
let count = 0;
let dir: string;

const server = http.createServer((request, response) => {
  const name = path.basename(request.url as string);
  requests.push(name);
  if (request.headers.authorization !== 'Bearer secret') return response.writeHead(401).end();
  if (failures > 0) {
    failures--;
    return response.writeHead(503).end();
  }
  const file = path.join(published, name);
  return existsSync(file) ? response.end(readFileSync(file)) : response.writeHead(404).end();
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

async function fetchModel(env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const { port } = server.address() as AddressInfo;
  const address = { MODEL_URL: `http://127.0.0.1:${port}/1.8`, MODEL_DIR: dir, MODEL_TOKEN: 'secret', ...env };
  const script = `${repositoryRoot}/k8s/components/model-from-http/fetch-model.mjs`;
  const child = spawn(process.execPath, [script], { env: { ...process.env, ...address } });
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

test('says which address refuses it', async () => {
  const { code, said } = await fetchModel({ MODEL_TOKEN: '', MODEL_ATTEMPTS: '1' });
  expect(code).toBe(1);
  expect(said).toMatch(/artifact\.json answers 401 Unauthorized/);
});
