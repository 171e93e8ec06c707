import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, truncateSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { formType, postForm } from './forms.ts';
import { send, sendForm, spawnService } from './spawned-service.ts';

// Every test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 300_000 });
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const folder = temporaryFolder();
const artifact = `${folder.dir}/artifact`;
beforeAll(async () => {
  mkdirSync(artifact);
  await writeTinyArtifact(artifact, { threshold: 0.4 });
});
afterAll(() => folder.remove());

const picture = encodePng(64, 48, (x, y) => [x, y, 90]);
const overrides = [`serve.artifact=${artifact}`, 'serve.workers=1'];

const failing = (args: string[]) =>
  runEntry('packages/server/src/bin/serve.ts', args, { cwd: folder.dir, timeoutMs: 120_000 });

test('says in one line where it answers, with which model, and what the labels mean', async () => {
  const service = await spawnService(folder.dir, overrides);
  expect(service.banner).toBe(
    `Crosscheck tiny (fp32; 0 = REAL, 1 = FAKE; FAKE above 0.4) answers at ${service.url.origin}/predict, docs at ${service.url.origin}/docs`,
  );
  expect((await send(service.url, { path: '/readyz' })).status).toBe(200);
  expect((await send(service.url, { path: '/docs' })).status).toBe(200);
  expect((await sendForm(service.url, postForm('a flood', picture))).status).toBe(200);
  expect(await service.stop('SIGINT')).toBe(0);
  expect(service.stderr()).toBe('');
  // One folder for all starts, and nothing else.
  expect(readdirSync(folder.dir).toSorted()).toEqual(['artifact', 'outputs']);
  expect(readdirSync(`${folder.dir}/outputs`)).toEqual(['serve']);
  const logged = service
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  expect(logged.find(({ msg }) => msg === 'ready')).toMatchObject({
    model: { name: 'Crosscheck', threshold: 0.4 },
    workers: 1,
  });
  expect(logged.filter(({ url }) => url === '/readyz')).toEqual([]);
});

test('after SIGTERM it is not ready, answers what comes over open connections, then refuses the rest, and exits with 0', async () => {
  const service = await spawnService(folder.dir, overrides);
  const body = postForm('a flood', picture);
  const upload = net.connect(Number(service.url.port), '127.0.0.1');
  upload.write(
    `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: ${formType}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  upload.write(body.subarray(0, 50));
  const kept = new http.Agent({ keepAlive: true });
  await sendOver(kept, service.url);
  await soon(() => service.metric('crosscheck_requests_in_flight')).toBeGreaterThanOrEqual(2);
  const stopped = service.stop();
  await soon(() => service.stdout()).toContain('draining');
  const [ready, alive, late] = await Promise.all([
    send(service.url, { path: '/readyz' }),
    send(service.url, { path: '/livez' }),
    sendForm(service.url, body),
  ]);
  expect([ready.status, alive.status, late.status]).toEqual([503, 200, 200]);
  expect(late.headers.connection).toBe('close');
  expect(await sendOver(kept, service.url)).toEqual({ status: 200, connection: 'close' });
  kept.destroy();
  await soon(async () => (await sendForm(service.url, body)).status).toBe(503);
  upload.write(body.subarray(50));
  let answer = '';
  for await (const chunk of upload) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(await stopped).toBe(0);
});

/** One post over a connection that the agent keeps. */
function sendOver(
  agent: http.Agent,
  url: URL,
): Promise<{ status: number | undefined; connection: string | undefined }> {
  const body = postForm('a flood', picture);
  const headers = { 'content-type': formType, 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL('/predict', url), { method: 'POST', agent, headers }, (response) => {
      response
        .resume()
        .on('end', () => resolve({ status: response.statusCode, connection: response.headers.connection }));
    });
    request.on('error', reject).end(body);
  });
}

test('queue, batch, threads and pixels are as the settings say', async () => {
  const service = await spawnService(folder.dir, [
    ...overrides,
    'serve.queue_size=20',
    'serve.max_explanations=3',
    'serve.explain.concurrency=2',
    'serve.max_batch=1',
    'serve.threads_per_worker=2',
    'serve.max_pixels=3000',
  ]);
  const small = encodePng(50, 50, (x, y) => [x, y, 90]);
  expect((await sendForm(service.url, postForm('a flood', picture))).status).toBe(413);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => sendForm(service.url, postForm('a flood', small))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await service.metric('crosscheck_batch_size_count')).toBe(12);
  expect(await service.metric('crosscheck_queue_limit')).toBe(20);
  expect(await service.metric('crosscheck_explanations_limit')).toBe(3);
  expect(await service.metric('crosscheck_explanations_at_once')).toBe(2);
  expect(service.stdout()).toContain('"threadsPerWorker":2');
  expect(await service.stop()).toBe(0);
});

test('keeps the rewritten graph in the cache folder, unless it is told not to', async () => {
  const cache = `${folder.dir}/cache`;
  vi.stubEnv('CROSSCHECK_CACHE', cache);
  for (const isKept of [false, true]) {
    const service = await spawnService(folder.dir, [...overrides, `serve.graph_cache=${isKept}`]);
    expect(existsSync(cache)).toBe(isKept);
    expect(await service.stop()).toBe(0);
  }
  vi.unstubAllEnvs();
});

test('requests under way when SIGTERM comes under load end with an answer or were never accepted', async () => {
  const service = await spawnService(folder.dir, overrides);
  const outcomes = new Map<string, number>();
  const count = (key: string) => outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      const answer = sendForm(service.url, postForm('a flood hits the city', picture));
      await answer.then(
        ({ status }) => count(String(status)),
        (error: NodeJS.ErrnoException) => count(error.code ?? 'none'),
      );
    }
  };
  const clients = Array.from({ length: 8 }, client);
  await soon(() => outcomes.get('200') ?? 0).toBeGreaterThan(30);
  expect(await service.stop()).toBe(0);
  isOver = true;
  await Promise.all(clients);
  expect([...outcomes.keys()].filter((key) => !['200', '503', 'ECONNREFUSED', 'ECONNRESET'].includes(key))).toEqual([]);
});

test('an upload that hangs cannot hold the service longer than shutdown_ms', async () => {
  const service = await spawnService(folder.dir, [...overrides, 'serve.shutdown_ms=400']);
  const socket = net.connect(Number(service.url.port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: ${formType}\r\nContent-Length: 5000\r\n\r\nabc`);
  await soon(() => service.metric('crosscheck_requests_in_flight')).toBeGreaterThanOrEqual(2);
  expect(await service.stop()).toBe(1);
  expect(service.stdout()).toContain('ending without them');
});

test('a port in use ends it with code 1 and the reason', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await failing([
    ...overrides,
    'serve.host=127.0.0.1',
    `serve.port=${port}`,
    'serve.log_level=silent',
  ]);
  other.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^CROSSCHECK_SERVER_PORT_IN_USE: .*${port}.*serve.port`));
});

test('an address that is not this machine’s ends it with code 1 and the reason', async () => {
  const { code, stderr } = await failing([...overrides, 'serve.host=203.0.113.7', 'serve.log_level=silent']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^CROSSCHECK_SERVER_ADDRESS_UNUSABLE: .*203\.0\.113\.7/);
});

test('a missing artifact ends it with code 1 and the place', async () => {
  const { code, stderr } = await failing(['serve.artifact=/nowhere', 'serve.port=0', 'serve.log_level=silent']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^CROSSCHECK_ARTIFACT_NOT_FOUND: .*\/nowhere/);
});

test('a damaged artifact ends it with code 1 and the file', async () => {
  const damaged = `${folder.dir}/damaged`;
  mkdirSync(damaged);
  await writeTinyArtifact(damaged);
  truncateSync(`${damaged}/multimodal_model.onnx.data`, 1000);
  const { code, stderr } = await failing([`serve.artifact=${damaged}`, 'serve.port=0', 'serve.log_level=silent']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^CROSSCHECK_ARTIFACT_HASH_MISMATCH: .*multimodal_model\.onnx\.data/m);
  expect(existsSync(`${damaged}/artifact.json`)).toBe(true);
});

test('a setting that does not exist is refused before anything starts', async () => {
  const { code, stderr } = await failing(['serve.prot=1']);
  expect(code).toBe(2);
  expect(stderr).toContain('serve.port');
});
