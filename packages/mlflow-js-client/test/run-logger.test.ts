import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MlflowClient, openTrackingStore, RunLogger, type RunLoggerOptions, syncSpool } from 'mlflow-js-client';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Cable, layCable } from './support/cable.ts';
import { findPython, INSTALL_TIMEOUT_MS, type RealServer, startMlflow } from './support/real-mlflow.ts';
import { createFolder, createTestFolder, removeFolder } from './support/temporary-folder.ts';

// The real MLflow server, behind a cable that can be cut.
const folder = createFolder();
const onnxPath = join(import.meta.dirname, 'fixtures/linear.onnx');
let server: RealServer;
let cable: Cable;
let client: MlflowClient;

beforeAll(async () => {
  await findPython();
  server = await startMlflow(
    'server',
    ['--backend-store-uri', 'sqlite:///server.db', '--artifacts-destination', './artifacts'],
    folder,
  );
  cable = await layCable(server.url);
  client = new MlflowClient(server.url);
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  client?.close();
  await cable?.close();
  await server?.stop();
  removeFolder(folder);
});

beforeEach(() => cable.set('through'));

async function startLogger(
  options: Partial<RunLoggerOptions> = {},
): Promise<{ logger: RunLogger; spoolFolder: string }> {
  const store = await openTrackingStore(cable.url, {
    maxRetries: 1,
    backoffFactor: 0,
    backoffJitter: 0.05,
    timeoutMs: 5000,
  });
  const spoolFolder = createTestFolder();
  const logger = new RunLogger({
    store,
    experiment: { name: 'logger' },
    spoolFolder,
    flushIntervalMs: 20,
    probeIntervalMs: 50,
    ...options,
  });
  onTestFinished(async () => {
    await logger.close({ timeoutMs: 0 });
    store.close();
  });
  return { logger, spoolFolder };
}

async function stepsOf(runId: string, key = 'loss'): Promise<number[]> {
  return (await client.runs.getMetricHistory(runId, key)).map(({ step }) => step).toSorted((a, b) => a - b);
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 500; tries++) await sleep(20);
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('with a server that answers', () => {
  test('everything arrives, in few requests, and the run ends', async () => {
    const { logger, spoolFolder } = await startLogger({
      run: { runName: 'plain', tags: { phase: 'one' } },
      flushIntervalMs: 60_000,
    });
    for (const step of range(500)) logger.logMetrics({ loss: 1 / (step + 1), 'val/f1': step }, step);
    logger.logParams({ lr: 0.001, words: 'x'.repeat(7000) });
    logger.setTags({ done: 'yes' });
    logger.logInputs([{ name: 'train', digest: '5eb63bbb', sourceType: 'local', source: '{}', context: 'training' }]);
    logger.logArtifact({ text: 'hello' }, 'notes/hello.txt');
    logger.logArtifact(onnxPath, 'model.onnx');
    logger.logArtifacts(join(import.meta.dirname, 'support'), 'code');
    const summary = await logger.close({ status: 'FINISHED' });
    const { runId } = summary;
    expect(summary).toMatchObject({ isComplete: true, spoolPath: null, refused: 0, lost: 0 });
    expect(summary.problems).toEqual(['too long for MLflow, and cut: words']);
    const run = await client.runs.get(runId ?? '');
    expect(run.info).toMatchObject({ runName: 'plain', status: 'FINISHED' });
    expect(run.info.endTime).toBeGreaterThanOrEqual(run.info.startTime);
    expect(run.tags).toMatchObject({ phase: 'one', done: 'yes' });
    expect(run.params['lr']).toBe('0.001');
    expect(run.datasets[0]).toMatchObject({ name: 'train', context: 'training' });
    expect(await stepsOf(runId ?? '')).toEqual(range(500));
    const paths = (await client.listArtifacts(runId ?? '')).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['notes/hello.txt', 'model.onnx', 'code/cable.ts']));
    expect(readdirSync(spoolFolder)).toEqual([]);
  });

  test('bad keys are made legal, and one refused entry does not take the others with it', async () => {
    const heard: string[] = [];
    const { logger } = await startLogger({ onProblem: (message) => heard.push(message) });
    logger.logParams({ lr: 1, other: 2 });
    await logger.flush();
    logger.logParams({ lr: 5, third: 3, 'präzision #': 4 });
    logger.logMetric('f1 (é)', 0.5, 1);
    logger.setTags({ a: 'b' });
    const summary = await logger.close();
    const run = await client.runs.get(summary.runId ?? '');
    expect(run.params).toEqual({ lr: '1', other: '2', third: '3', 'prazision _': '4' });
    expect(run.metrics).toEqual({ 'f1 _e_': 0.5 });
    expect(run.tags['a']).toBe('b');
    expect(summary).toMatchObject({ refused: 1, isComplete: true });
    expect(heard).toEqual(summary.problems);
    expect(heard.join('\n')).toContain('Changing param values is not allowed');
    expect(heard.join('\n')).toContain('"präzision #" is logged as "prazision _"');
  });

  test('a run is gone on with by its id', async () => {
    const { logger } = await startLogger();
    logger.logMetric('loss', 1, 0);
    const { runId } = await logger.close({ status: 'KILLED' });
    const { logger: second } = await startLogger({ runId: runId ?? '' });
    expect(await second.ready).toBe(runId);
    expect((await client.runs.get(runId ?? '')).info.status).toBe('RUNNING');
    second.logMetric('loss', 0.5, 1);
    expect((await second.close()).runId).toBe(runId);
    expect(await stepsOf(runId ?? '')).toEqual([0, 1]);
    expect((await client.runs.get(runId ?? '')).info.status).toBe('FINISHED');
  });

  test('a failing listener, a second close and late calls do no harm', async () => {
    const { logger } = await startLogger({
      onProblem: () => {
        throw new Error('listener');
      },
    });
    logger.logMetric('é', 1);
    const [first, second] = await Promise.all([logger.close(), logger.close()]);
    expect(second).toBe(first);
    expect(() => logger.logMetric('late', 1)).not.toThrow();
  });
});

describe('with a server that goes away', () => {
  test('what is logged meanwhile arrives by itself when the server is back', async () => {
    const { logger, spoolFolder } = await startLogger();
    const log = (from: number, to: number) =>
      range(to - from).forEach((index) => logger.logMetric('loss', 1, from + index));
    log(0, 10);
    await logger.flush();
    cable.set('cut');
    log(10, 20);
    logger.logArtifact({ text: 'while away' }, 'away.txt');
    await logger.flush();
    log(20, 30);
    await logger.flush();
    expect(existsSync(join(spoolFolder, 'mlflow-spool'))).toBe(true);
    cable.set('through');
    await until(() => !existsSync(join(spoolFolder, 'mlflow-spool')));
    log(30, 40);
    const summary = await logger.close();
    expect(summary).toMatchObject({ isComplete: true, spoolPath: null, lost: 0 });
    expect(await stepsOf(summary.runId ?? '')).toEqual(range(40));
    expect((await client.listArtifacts(summary.runId ?? '')).map(({ path }) => path)).toEqual(['away.txt']);
  });

  test('the end of the run waits no longer than told, and a sync sends the rest later', async () => {
    const { logger, spoolFolder } = await startLogger({ flushIntervalMs: 60_000 });
    await logger.ready;
    cable.set('silent');
    logger.logMetrics({ loss: Number.NaN, acc: Infinity }, 7);
    logger.logArtifact(Buffer.from([1, 2, 3]), 'bytes.bin');
    // Without an end of its own it would wait for the silent server, and this test for ever.
    const summary = await logger.close({ status: 'FAILED', timeoutMs: 300 });
    expect(summary).toMatchObject({ isComplete: false, lost: 0 });
    expect(summary.spoolPath).toMatch(/records\.jsonl$/);
    await expect(syncSpool(spoolFolder, cable.url, { maxRetries: 0, timeoutMs: 100 })).rejects.toMatchObject({
      errorCode: 'REQUEST_TIMEOUT',
    });
    expect(await syncSpool(spoolFolder, server.url)).toEqual([
      { runId: summary.runId, records: 3, refused: [], models: [] },
    ]);
    const run = await client.runs.get(summary.runId ?? '');
    expect(run.info).toMatchObject({ status: 'FAILED' });
    expect(run.metrics).toEqual({ loss: Number.NaN, acc: Number.MAX_VALUE });
    expect((await client.listArtifacts(summary.runId ?? '')).map(({ sizeBytes }) => sizeBytes)).toEqual([3]);
    expect(readdirSync(spoolFolder)).toEqual([]);
    expect(await syncSpool(spoolFolder, server.url)).toEqual([]);
  });

  test('a run that never reached a server is made by the sync, with its model and its own times', async () => {
    cable.set('cut');
    const { logger, spoolFolder } = await startLogger({ run: { runName: 'offline', startTime: 1_700_000_000_000 } });
    expect(await logger.ready).toBeNull();
    logger.logMetric('loss', 0.5, 1);
    const file = join(spoolFolder, 'plot.png');
    writeFileSync(file, 'as it was');
    logger.logArtifact(file, 'plots/plot.png');
    logger.logOnnxModel({ onnxPath, inputs: [], outputs: [], registeredName: 'offline-model', aliases: ['champion'] });
    expect(await logger.close({ timeoutMs: 5000 })).toMatchObject({
      runId: null,
      isComplete: false,
      lost: 0,
      models: [],
    });
    writeFileSync(file, 'changed afterwards');
    const [report] = await syncSpool(spoolFolder, server.url);
    expect(report).toMatchObject({ records: 4, refused: [] });
    const run = await client.runs.get(report?.runId ?? '');
    expect(run.info).toMatchObject({ runName: 'offline', startTime: 1_700_000_000_000, status: 'FINISHED' });
    const target = join(spoolFolder, 'back.png');
    await client.downloadArtifact(run.info.runId, 'plots/plot.png', target);
    expect(readFileSync(target, 'utf8')).toBe('as it was');
    const version = await client.registry.getVersionByAlias('offline-model', 'champion');
    expect(version.source).toBe(`models:/${run.outputModelIds[0]}`);
    const files = (await (await client.openModelArtifacts(run.outputModelIds[0] ?? '')).list()).map(({ path }) => path);
    expect(files).toEqual(expect.arrayContaining(['MLmodel', 'linear.onnx', 'linear.onnx.data']));
  });

  test('a sync goes on where one stopped, skips a line that a crash tore, and names what is refused', async () => {
    cable.set('cut');
    const { logger, spoolFolder } = await startLogger();
    await logger.ready;
    for (const step of range(3)) {
      logger.logMetric('loss', step, step);
      await logger.flush();
    }
    logger.logArtifact({ text: 'x' }, 'gone.txt');
    const { spoolPath } = await logger.close({ timeoutMs: 5000 });
    const spool = join(spoolPath ?? '', '..');
    appendFileSync(spoolPath ?? '', '{"kind":"batch","metrics":[{"key":"lo');
    rmSync(join(spool, 'files'), { recursive: true });
    const { experimentId } = await client.experiments.getOrCreate({ name: 'logger' });
    const { runId } = await client.runs.create({ experimentId });
    writeFileSync(join(spool, 'state.json'), JSON.stringify({ runId, sentLines: 1 }));
    const [report] = await syncSpool(spoolFolder, server.url);
    expect(report).toMatchObject({ runId, records: 4, refused: [{ entries: 1 }] });
    expect(report?.refused[0]?.message).toContain('expected a file to upload');
    expect(await stepsOf(runId)).toEqual([1, 2]);
  });

  test('memory stays bounded: what is too much goes to the disk, and arrives', async () => {
    const { logger, spoolFolder } = await startLogger({ maxQueued: 100 });
    await logger.ready;
    cable.set('silent');
    for (const step of range(1000)) logger.logMetric('loss', step, step);
    await until(() => existsSync(join(spoolFolder, 'mlflow-spool')));
    expect(existsSync(join(spoolFolder, 'mlflow-spool'))).toBe(true);
    cable.set('through');
    const summary = await logger.close();
    expect(summary).toMatchObject({ isComplete: true, lost: 0 });
    expect(await stepsOf(summary.runId ?? '')).toEqual(range(1000));
  });

  test('without a disk either, the loss is counted and said', async () => {
    cable.set('cut');
    const file = join(createTestFolder(), 'not-a-folder');
    writeFileSync(file, '');
    const { logger } = await startLogger({ spoolFolder: file });
    logger.logMetrics({ a: 1, b: 2 });
    const summary = await logger.close({ timeoutMs: 5000 });
    expect(summary).toMatchObject({ isComplete: false, lost: 3, spoolPath: null });
    expect(summary.problems.join('\n')).toContain('cannot write');
  });
});
