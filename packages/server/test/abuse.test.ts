import { once } from 'node:events';
import { globSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import { createRandom } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { badRequests, brokenOff, generators } from './bad-requests.ts';
import { postForm } from './forms.ts';
import { type SpawnedService, send, sendForm, spawnService } from './spawned-service.ts';

const folder = temporaryFolder();
const picture = encodePng(40, 30, (x, y) => [x, y, 7]);
let service: SpawnedService;
beforeAll(async () => {
  mkdirSync(`${folder.dir}/artifact`);
  await writeTinyArtifact(`${folder.dir}/artifact`);
  service = await spawnService(folder.dir, [
    'serve.artifact=artifact',
    'serve.workers=1',
    'serve.max_body_bytes=200000',
    'serve.log_level=error',
  ]);
});
afterAll(async () => {
  await service.stop();
  folder.remove();
});

const files = () =>
  globSync('**/*', { cwd: folder.dir, withFileTypes: true })
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .toSorted();
const goodRequest = () => sendForm(service.url, postForm('a flood', picture));

function hasCode(status: number, body: string): boolean {
  const { statusCode, code, message, detail } = JSON.parse(body) as Record<string, unknown>;
  return statusCode === status && Boolean(code && message && detail);
}

/** As the Open Inference Protocol wants it: the reason, and nothing else. */
function hasReason(body: string): boolean {
  const { error, ...others } = JSON.parse(body) as Record<string, unknown>;
  return typeof error === 'string' && error !== '' && Object.keys(others).length === 0;
}

/** Sends bad requests from several clients at a time and returns those that were not answered with 4xx and a reason. */
async function abuse(count: number, seed: number): Promise<string[]> {
  const wrong: string[] = [];
  const line = badRequests(count, seed);
  const client = async () => {
    for (const { kind, sent } of line) {
      const { status, body } = await send(service.url, sent);
      const isWhole = sent.path.startsWith('/v2') ? hasReason(body) : hasCode(status, body);
      if (status < 400 || status >= 500 || !isWhole) wrong.push(`${kind}: ${status} ${body.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: 12 }, client));
  return wrong;
}

test('more than a thousand bad requests are refused with a reason, leave no file, and the service goes on', async () => {
  expect((await goodRequest()).status).toBe(200);
  const before = files();
  expect(await abuse(10 * Object.keys(generators).length, 1)).toEqual([]);
  const settled = await service.metric('process_resident_memory_bytes');
  const handles = await service.metric('process_open_fds');
  for (let round = 2; round <= 5; round++) {
    expect(await abuse(10 * Object.keys(generators).length, round)).toEqual([]);
    const { status, body } = await goodRequest();
    expect([status, JSON.parse(body).filename]).toEqual([200, 'picture.png']);
  }
  expect(5 * 10 * Object.keys(generators).length).toBeGreaterThan(1000);
  expect(await service.metric('process_resident_memory_bytes')).toBeLessThan(settled + 100e6);
  expect(await service.metric('process_open_fds')).toBeLessThanOrEqual(handles + 2);
  expect(files()).toEqual(before);
  expect(await service.metric('crosscheck_upload_bytes')).toBe(0);
  expect(service.stdout()).not.toContain('"level":50');
});

test('two hundred uploads that break off leave nothing behind', async () => {
  const random = createRandom(3, 'abuse', 'broken off');
  for (let i = 0; i < 20; i++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = net.connect(Number(service.url.port), '127.0.0.1');
        socket.on('error', () => {});
        socket.write(brokenOff(random), () => (random.int(2) ? socket.destroy() : socket.resetAndDestroy()));
        await once(socket, 'close');
      }),
    );
  }
  expect((await goodRequest()).status).toBe(200);
  await expect.poll(() => service.metric('crosscheck_requests_in_flight')).toBe(1); // the one that asks
  await expect.poll(() => service.metric('crosscheck_upload_bytes')).toBe(0);
  expect(await service.metric('crosscheck_queue_depth')).toBe(0);
  expect(service.stdout()).not.toContain('"level":50');
});

test('a picture smaller than allowed is refused', async () => {
  const picky = await spawnService(folder.dir, [
    'serve.artifact=artifact',
    'serve.workers=1',
    'serve.min_image_side=12',
  ]);
  const ask = async (width: number, height: number) => {
    const tiny = encodePng(width, height, () => [1, 2, 3]);
    const { status, body } = await sendForm(picky.url, postForm('a', tiny));
    return [status, (JSON.parse(body) as { code?: string }).code];
  };
  expect(await ask(12, 12)).toEqual([200, undefined]);
  expect(await ask(11, 40)).toEqual([400, 'CROSSCHECK_IMAGE_TOO_SMALL']);
  expect(await ask(40, 11)).toEqual([400, 'CROSSCHECK_IMAGE_TOO_SMALL']);
  expect(await picky.stop()).toBe(0);
});
