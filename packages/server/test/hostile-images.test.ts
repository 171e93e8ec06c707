import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { childrenOf, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { postForm } from './forms.ts';
import { type Received, type SpawnedService, send, sendForm, spawnService } from './spawned-service.ts';

// Every test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 300_000 });
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const folder = temporaryFolder();
const cheap = postForm(
  'a flood hits the city',
  encodePng(64, 48, (x, y) => [x, y, 90]),
);
let expensive: Buffer;
let service: SpawnedService | null = null;

beforeAll(async () => {
  mkdirSync(`${folder.dir}/artifact`);
  await writeTinyArtifact(`${folder.dir}/artifact`);
  expensive = postForm('a', interlacedPng(6000));
});
afterEach(async () => {
  await service?.stop();
  service = null;
});
afterAll(() => folder.remove());

/** The passes of an interlaced PNG: first column and row, and steps. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A black one, which takes 200 MB of memory and a second of work at 6,000 pixels a side. */
function interlacedPng(side: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 1]);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  const rows = passes.map(([x, y, dx, dy]) => Math.ceil((side - y) / dy) * (1 + 3 * Math.ceil((side - x) / dx)));
  const pixels = Buffer.alloc(rows.reduce((sum, bytes) => sum + bytes, 0));
  const parts = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

async function start(...overrides: string[]): Promise<SpawnedService> {
  service = await spawnService(folder.dir, ['serve.artifact=artifact', 'serve.workers=1', ...overrides]);
  return service;
}

const outcome = ({ status, body }: Received) => [status, (JSON.parse(body) as { code?: string }).code];

/** The supervisor has one process that answers, which has the decoders. */
const decodersOf = ({ child }: SpawnedService) => childrenOf(childrenOf(child.pid)[0]);

test('a cheap picture is answered while expensive ones fill their decoders', async () => {
  const { url } = await start('serve.decoders=2', 'serve.deadline_ms=120000');
  let pending = 0;
  const sendExpensive = async () => {
    pending++;
    const { status } = await sendForm(url, expensive);
    pending--;
    return status;
  };
  const all = Array.from({ length: 8 }, sendExpensive);
  await soon(async () => (await send(url, { path: '/metrics' })).body).toMatch(
    /crosscheck_decoding\{cost="expensive"\} [1-9]/,
  );
  for (let i = 0; i < 3; i++) {
    expect(outcome(await sendForm(url, cheap))).toEqual([200, undefined]);
    expect(pending).toBeGreaterThan(0);
  }
  expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
});

test('a decoder that is stuck turns readiness red, is ended at the deadline, and all is well again', async () => {
  const running = await start('serve.decoders=2', 'serve.deadline_ms=9000');
  const { url } = running;
  expect(outcome(await sendForm(url, cheap))).toEqual([200, undefined]);
  const [stuck] = decodersOf(running) as [number];
  process.kill(stuck, 'SIGSTOP');
  const late = sendForm(url, cheap);
  await soon(async () => outcome(await send(url, { path: '/readyz' }))).toEqual([
    503,
    'CROSSCHECK_SERVER_DECODERS_STUCK',
  ]);
  expect((await send(url, { path: '/livez' })).status).toBe(200);
  expect(outcome(await late)).toEqual([504, 'CROSSCHECK_INFERENCE_TIMEOUT']);
  await soon(async () => (await send(url, { path: '/readyz' })).status).toBe(200);
  expect(outcome(await sendForm(url, cheap))).toEqual([200, undefined]);
  expect(decodersOf(running)).not.toContain(stuck);
  expect(await running.metric('crosscheck_decoders_ended_total')).toBe(1);
});

test('a decoder that is killed fails its picture only', async () => {
  const running = await start('serve.decoders=2', 'serve.deadline_ms=120000');
  expect(outcome(await sendForm(running.url, cheap))).toEqual([200, undefined]);
  let slow: unknown[] = [];
  void sendForm(running.url, expensive).then((received) => (slow = outcome(received)));
  await soon(() => decodersOf(running).length).toBe(2);
  // One that had not begun gives its picture to the next, which is killed as well.
  const kill = () => decodersOf(running).forEach((pid) => process.kill(pid, 'SIGKILL'));
  await soon(() => (kill(), slow)).toEqual([503, 'CROSSCHECK_IMAGE_DECODER_ENDED']);
  expect(outcome(await sendForm(running.url, cheap))).toEqual([200, undefined]);
});

test.each(['/predict', '/explain'])('%s refuses a picture that alone takes more memory than all may', async (path) => {
  const { url } = await start(`serve.max_decoded_bytes=${128 * 2 ** 20}`, 'serve.deadline_ms=120000');
  expect(outcome(await sendForm(url, expensive, path))).toEqual([413, 'CROSSCHECK_IMAGE_OVER_BUDGET']);
  expect(outcome(await sendForm(url, cheap, path))).toEqual([200, undefined]);
});

test('a JPEG of a thousand scans is refused before anything decodes it', async () => {
  const { url } = await start();
  const file = readFileSync(path.join(import.meta.dirname, '../../preprocess/test/golden/pixels/progressive-444.jpg'));
  const last = file.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scans = Array.from({ length: 1000 }, () => file.subarray(last, -2));
  const bomb = postForm('a', Buffer.concat([file.subarray(0, last), ...scans, file.subarray(-2)]));
  expect(outcome(await sendForm(url, bomb))).toEqual([413, 'CROSSCHECK_IMAGE_TOO_COMPLEX']);
});
