import { appendFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { childrenOf, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { formType, postForm } from './forms.ts';
import { type SpawnedService, send, sendForm, spawnService } from './spawned-service.ts';

// Every test starts several processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

const folder = temporaryFolder();
const link = `${folder.dir}/artifact`;
const body = postForm(
  'a flood hits the city',
  encodePng(64, 48, (x, y) => [x, y, 90]),
);
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });
let service: SpawnedService | null = null;

/** Makes an artifact of that version and points the link at it. */
async function publish(version: string, damage: (dir: string) => void = () => {}): Promise<void> {
  const dir = `${folder.dir}/${version}`;
  mkdirSync(dir);
  await writeTinyArtifact(dir, { version });
  damage(dir);
  pointTo(version);
}

function pointTo(version: string): void {
  symlinkSync(version, `${link}.new`);
  renameSync(`${link}.new`, link);
}

beforeAll(() => publish('1'));
afterEach(async () => {
  await service?.stop();
  pointTo('1');
});
afterAll(() => folder.remove());

async function start(...overrides: string[]): Promise<SpawnedService> {
  service = await spawnService(folder.dir, ['serve.artifact=artifact', 'serve.workers=1', ...overrides]);
  return service;
}

const versionOf = async ({ url }: SpawnedService) => {
  const { body: text } = await send(url, { path: '/v2/models/Crosscheck' });
  return (JSON.parse(text) as { versions: string[] }).versions[0];
};
const reload = ({ child }: SpawnedService) => child.kill('SIGHUP');
const linesOf = (running: SpawnedService, msg: string) => running.stdout().split(`"msg":"${msg}"`).length - 1;

/** Processes behind the one that was started. */
const processesOf = ({ child: { pid } }: SpawnedService) => childrenOf(pid);

/** Asks on one kept connection after the other's answer until it is told to stop; what came back, by status or error. */
function keepAsking({ url }: SpawnedService, outcomes: Map<string, number>): { stop(): Promise<void> } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let isOver = false;
  const ask = () =>
    new Promise<string>((resolve) => {
      const headers = { 'content-type': formType };
      http
        .request(url, { path: '/predict', method: 'POST', headers, agent }, (response) => {
          response.resume().on('end', () => resolve(String(response.statusCode)));
          response.on('error', () => resolve('cut'));
        })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'none'))
        .end(body);
    });
  const loop = async () => {
    while (!isOver) {
      const outcome = await ask();
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    agent.destroy();
  };
  const ended = loop();
  return { stop: () => ((isOver = true), ended) };
}

test('a new model is taken up under load without losing a request, and the old process ends', async () => {
  const running = await start();
  await publish('2');
  const outcomes = new Map<string, number>();
  const clients = Array.from({ length: 8 }, () => keepAsking(running, outcomes));
  const answered = () => outcomes.get('200') ?? 0;
  await soon(answered).toBeGreaterThan(50);
  const [old] = processesOf(running);
  for (const version of ['1', '2', '1', '2']) {
    pointTo(version);
    const before = linesOf(running, 'closed');
    reload(running);
    await soon(() => linesOf(running, 'closed')).toBe(before + 1);
  }
  const sofar = answered();
  await soon(answered).toBeGreaterThan(sofar + 20);
  await Promise.all(clients.map((client) => client.stop()));
  expect([...outcomes.keys()]).toEqual(['200']);
  expect(await versionOf(running)).toBe('2');
  await soon(() => processesOf(running)).toHaveLength(1);
  expect(processesOf(running)).not.toContain(old);
  expect(await running.metric('crosscheck_reloads_total')).toBe(4);
  expect(running.stderr()).toBe('');
});

test.each([
  [
    'a file that was changed',
    'CROSSCHECK_ARTIFACT_HASH_MISMATCH',
    (dir: string) => appendFileSync(`${dir}/multimodal_model.onnx.data`, 'x'),
  ],
  ['no manifest', 'CROSSCHECK_ARTIFACT_NOT_FOUND', (dir: string) => renameSync(`${dir}/artifact.json`, `${dir}/a`)],
  ['a sample that comes out otherwise', 'CROSSCHECK_ARTIFACT_SELF_CHECK', claimAnotherLogit],
])('%s leaves the old model serving and says why', async (_, code, damage) => {
  const running = await start();
  await publish(code, damage);
  reload(running);
  await soon(() => running.metric('crosscheck_reload_failures_total')).toBe(1);
  expect(await running.metric(`crosscheck_reload_last_failure\\{code="${code}"\\}`)).toBe(1);
  const line = running
    .stdout()
    .split('\n')
    .find((each) => each.includes('refused; the old one goes on'));
  expect(JSON.parse(line as string)).toMatchObject({ level: 50, code, reason: expect.stringContaining('export') });
  expect((await sendForm(running.url, body)).status).toBe(200);
  expect(await versionOf(running)).toBe('1');
  await soon(() => processesOf(running)).toHaveLength(1);
  pointTo('1');
  reload(running);
  await soon(() => running.metric('crosscheck_reloads_total')).toBe(1);
  expect((await send(running.url, { path: '/metrics' })).body).not.toContain('last_failure');
});

function claimAnotherLogit(dir: string): void {
  const file = `${dir}/artifact.json`;
  const picture = encodePng(20, 20, (x, y) => [x, y, 9]);
  const selfCheck = { text: 'a flood', image: Buffer.from(picture).toString('base64'), logit: 9 };
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), selfCheck }));
}

test('a folder that is watched is taken up once it has stopped changing', async () => {
  const running = await start('serve.watch_seconds=2');
  await publish('3');
  await soon(() => versionOf(running)).toBe('3');
  const growing = `${folder.dir}/3/notes`;
  for (let i = 0; i < 8; i++) {
    writeFileSync(growing, 'x'.repeat(i));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await running.metric('crosscheck_reloads_total')).toBe(1);
  await soon(() => running.metric('crosscheck_reloads_total')).toBe(2);
});

test('the memory of old models comes back', async () => {
  const running = await start();
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${running.child.pid}/status`, 'utf8'))?.[1]);
  await sendForm(running.url, body);
  const [before, supervisor] = [await running.metric('process_resident_memory_bytes'), memory()];
  for (let round = 1; round <= 4; round++) {
    reload(running);
    await soon(() => linesOf(running, 'closed')).toBe(round);
  }
  await sendForm(running.url, body);
  await soon(() => processesOf(running)).toHaveLength(1);
  expect(await running.metric('process_resident_memory_bytes')).toBeLessThan(1.15 * before);
  expect(memory()).toBeLessThan(1.15 * supervisor);
});

test('a process that is killed is replaced, and counted', async () => {
  const running = await start();
  await soon(() => linesOf(running, 'ready')).toBe(1);
  process.kill(processesOf(running)[0] as number, 'SIGKILL');
  await soon(() => linesOf(running, 'ready')).toBe(2);
  const url = newestUrl(running);
  expect((await sendForm(url, body)).status).toBe(200);
  expect((await send(url, { path: '/metrics' })).body).toContain('crosscheck_crashes_total 1');
  expect(linesOf(running, 'a process ended unexpectedly; this one replaces it')).toBe(1);
});

/** Where the process that was started last answers: a port of its own, because nobody held the old one any more. */
const newestUrl = (running: SpawnedService) =>
  new URL(/http:\/\/[\d.:]+/.exec(running.stdout().split('answers at').at(-1) as string)?.[0] as string);

test.each([
  ['the old process', 1, (processes: number[]) => processes.slice(0, 1)],
  ['both processes', 1, (processes: number[]) => processes],
])(
  '%s killed while a new model loads leave one process that serves, also after later reloads',
  async (_, crashes, of) => {
    const running = await start();
    await soon(() => linesOf(running, 'ready')).toBe(1);
    reload(running);
    await soon(() => processesOf(running).length).toBe(2);
    for (const pid of of(processesOf(running))) process.kill(pid, 'SIGKILL');
    await soon(() => linesOf(running, 'ready')).toBe(2);
    await soon(() => processesOf(running)).toHaveLength(1);
    const [first] = processesOf(running);
    reload(running);
    await soon(() => linesOf(running, 'ready')).toBe(3);
    await soon(() => processesOf(running)).toHaveLength(1);
    expect(processesOf(running)).not.toContain(first);
    const url = newestUrl(running);
    expect((await sendForm(url, body)).status).toBe(200);
    expect((await send(url, { path: '/metrics' })).body).toContain(`crosscheck_crashes_total ${crashes}`);
  },
);

test('a new process that is killed while it loads leaves the old one, and is a model refused', async () => {
  const running = await start();
  const [old] = processesOf(running);
  reload(running);
  await soon(() => processesOf(running).length).toBe(2);
  process.kill(processesOf(running)[1] as number, 'SIGKILL');
  await soon(() => running.metric('crosscheck_reload_failures_total')).toBe(1);
  expect(processesOf(running)).toEqual([old]);
  expect((await sendForm(running.url, body)).status).toBe(200);
});

test('SIGTERM while a new model loads ends both processes with code 0', async () => {
  const running = await start();
  reload(running);
  await soon(() => processesOf(running).length).toBe(2);
  expect(await running.stop()).toBe(0);
  service = null;
});

test('nothing is left when the supervisor itself is killed', async () => {
  const running = await start();
  const [pid] = processesOf(running) as [number];
  await running.stop('SIGKILL');
  service = null;
  await soon(() => isAlive(pid)).toBe(false);
  expect(running.child.signalCode).toBe('SIGKILL');
});

/** Without a command line it is gone, and only waits for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}
