import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyPreprocessing, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { openOnnxSession } from '../src/index.ts';

const folder = temporaryFolder();
const model = (name: string) => `${folder.dir}/${name}/multimodal_model.onnx`;
beforeAll(async () => {
  mkdirSync(`${folder.dir}/artifact`);
  await writeTinyArtifact(`${folder.dir}/artifact`);
});
afterAll(() => folder.remove());

const inputs = {
  size: 2,
  length: 4,
  image: Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i / 9)),
  inputIds: Int32Array.from([2, 7, 9, 3, 2, 11, 3, 0]),
  attentionMask: Int32Array.from([1, 1, 1, 1, 1, 1, 1, 0]),
};

async function judge(dir: string | null, name = 'the model'): Promise<number[]> {
  const graphCache = dir === null ? null : { dir, model: name };
  const options = { threads: 1, preprocessing: tinyPreprocessing, graphCache };
  const session = await openOnnxSession(model('artifact'), options);
  const logits = await session.run(inputs);
  await session.close();
  return [...logits];
}

const filesOf = (dir: string) => readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((f) => f.includes('.'));

test('the next session opens the graph that was kept, and judges alike', async () => {
  const dir = `${folder.dir}/kept`;
  const plain = await judge(null);
  expect(await judge(dir)).toEqual(plain);
  const [file, ...others] = filesOf(dir);
  expect(others).toEqual([]);
  const kept = readFileSync(path.join(dir, file as string));
  expect(kept.includes('QuickGelu')).toBe(true); // onnxruntime's rewriting
  expect(kept.includes('multimodal_model.onnx.data')).toBe(true); // weights stay where they are
  expect(await judge(dir)).toEqual(plain);
  expect(filesOf(dir)).toEqual([file]);
});

test('the kept graph is what is opened: without the artifact’s own, the session opens all the same', async () => {
  const dir = `${folder.dir}/instead`;
  await judge(dir);
  const moved = `${folder.dir}/only-weights`;
  mkdirSync(moved);
  writeFileSync(`${moved}/multimodal_model.onnx.data`, readFileSync(`${model('artifact')}.data`));
  const session = await openOnnxSession(model('only-weights'), {
    threads: 1,
    preprocessing: tinyPreprocessing,
    graphCache: { dir, model: 'the model' },
  });
  expect([...(await session.run(inputs))]).toEqual(await judge(null));
  await session.close();
});

test.each([
  ['damaged', (bytes: Buffer) => bytes.fill(7, 100, 130)],
  ['cut short', (bytes: Buffer) => bytes.subarray(0, 1000)],
])('a graph that is %s is made again', async (_, damage) => {
  const dir = `${folder.dir}/damage-${damage.length}-${_.length}`;
  const expected = await judge(dir);
  const [file = ''] = filesOf(dir);
  writeFileSync(path.join(dir, file), damage(readFileSync(path.join(dir, file))));
  expect(await judge(dir)).toEqual(expected);
  const [again = '', ...others] = filesOf(dir);
  expect(others).toEqual([]);
  const content = readFileSync(path.join(dir, again));
  expect(path.basename(again, '.onnx')).toBe(createHash('sha256').update(content).digest('hex'));
});

test('where nothing can be written, nothing is kept and nothing fails', async () => {
  const dir = `${folder.dir}/a-file`;
  writeFileSync(dir, '');
  expect(await judge(dir)).toEqual(await judge(null));
});

test('models have places of their own, and those that were not used for longest go', async () => {
  const dir = `${folder.dir}/many`;
  for (let i = 0; i < 9; i++) {
    mkdirSync(`${dir}/old-${i}`, { recursive: true });
    utimesSync(`${dir}/old-${i}`, 1000 + i, 1000 + i);
  }
  await judge(dir, 'one');
  await judge(dir, 'another');
  expect(filesOf(dir)).toHaveLength(2);
  expect(readdirSync(dir)).toHaveLength(8);
  expect(existsSync(`${dir}/old-8`)).toBe(true);
  expect(existsSync(`${dir}/old-0`)).toBe(false);
});
