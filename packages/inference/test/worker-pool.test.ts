import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyPreprocessing, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import type { EncodedBatch } from '../src/runtime/protocol.ts';
import { openWorkerPool, type WorkerPool } from '../src/runtime/worker-pool.ts';

const folder = temporaryFolder();
beforeAll(() => writeTinyArtifact(folder.dir));
afterAll(() => folder.remove());

function openPool(workers: number): Promise<WorkerPool> {
  return openWorkerPool({
    modelFile: `${folder.dir}/multimodal_model.onnx`,
    preprocessing: tinyPreprocessing,
    threads: 1,
    maxBatch: 2,
    graphCache: null,
    workers,
    onChange: () => {},
    workerFile: new URL('./fixtures/crashing-worker.ts', import.meta.url),
  });
}

function batch(size: number, firstByte = 0): EncodedBatch {
  const draw = () => ({ form: 'pixels' as const, bytes: new Uint8Array(3 * 32 * 32).fill(firstByte) });
  const inputIds = new Int32Array(size * 4).fill(2);
  return {
    size,
    length: 4,
    pictures: Array.from({ length: size }, draw),
    inputIds,
    attentionMask: new Int32Array(size * 4).fill(1),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const lethal = 13;

test('a worker that ends gives its batch a clear error and is replaced once', async () => {
  const pool = await openPool(1);
  await expect(pool.run(batch(1, lethal))).rejects.toMatchObject({
    code: 'CROSSCHECK_INFERENCE_WORKER_CRASHED',
    message: expect.stringContaining('exit code 3'),
  });
  await until(() => pool.idle() === 1);
  const { logits } = await pool.run(batch(2));
  expect(logits).toHaveLength(2);
  await expect(pool.run(batch(1, lethal))).rejects.toMatchObject({ code: 'CROSSCHECK_INFERENCE_WORKER_CRASHED' });
  await until(() => pool.alive() === 0);
  await pool.close();
});

test('a batch that the session refuses fails alone', async () => {
  const pool = await openPool(1);
  const outOfVocabulary = batch(1);
  outOfVocabulary.inputIds.fill(9999);
  await expect(pool.run(outOfVocabulary)).rejects.toMatchObject({ code: 'CROSSCHECK_INFERENCE_RUN_FAILED' });
  expect((await pool.run(batch(1))).logits).toHaveLength(1);
  await pool.close();
});

test('buffers are transferred, not copied', async () => {
  const pool = await openPool(1);
  const sent = batch(2);
  await pool.run(sent);
  expect(sent.pictures.map((picture) => picture?.bytes.byteLength)).toEqual([0, 0]);
  await pool.close();
});

test('telemetry of onnxruntime is off before any worker starts', async () => {
  delete process.env.ORT_DISABLE_TELEMETRY;
  const pool = await openPool(1);
  expect(process.env.ORT_DISABLE_TELEMETRY).toBe('1');
  await pool.close();
});
