import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyPreprocessing, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { openClassifier, openOnnxSession } from '../src/index.ts';
import { openGraphPlace } from '../src/runtime/graph-cache.ts';

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

async function isKept(dir: string): Promise<boolean> {
  const graphCache = { dir, model: 'the model' };
  const session = await openOnnxSession(model('artifact'), {
    threads: 1,
    preprocessing: tinyPreprocessing,
    graphCache,
  });
  await session.close();
  return session.isKept;
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
  expect(again).not.toBe(file); // its name goes with its bytes, in which onnxruntime is free
  expect(await isKept(dir)).toBe(true);
});

/** Puts any file where a start looks for the graph of a model, under the name that it expects. */
async function plant(dir: string, graph: Uint8Array, name = 'the model'): Promise<void> {
  const { env } = await import('onnxruntime-node');
  const place = openGraphPlace({ dir, model: name }, JSON.stringify(env.versions));
  place.drop();
  const file = place.open() as string;
  writeFileSync(file, graph);
  place.keep(file);
  expect(place.read()).toEqual(Buffer.from(graph));
}

/** The graph as onnxruntime rewrites it, with another activation in its head: it loads, has the same inputs, and judges otherwise. */
async function crafted(dir: string, name?: string): Promise<Buffer> {
  await judge(dir, name);
  const graph = readFileSync(path.join(dir, filesOf(dir)[0] as string));
  const changed = Buffer.from(graph.toString('latin1').replaceAll('Relu', 'Tanh'), 'latin1');
  expect(changed.equals(graph)).toBe(false);
  return changed;
}

test('the graph of another model under this one’s place is thrown away', async () => {
  const dir = `${folder.dir}/other`;
  await judge(dir, 'another model');
  const [file = ''] = filesOf(dir);
  const graph = readFileSync(path.join(dir, file));
  await plant(dir, graph);
  const own = filesOf(dir).find((each) => each !== file) as string;
  renameSync(path.join(dir, own), path.join(dir, path.dirname(own), path.basename(file)));
  expect(await judge(dir)).toEqual(await judge(null));
  expect(filesOf(dir)).not.toContain(path.join(path.dirname(own), path.basename(file)));
});

test.each([
  ['no graph at all', () => Promise.resolve(Buffer.from('onnx'))],
  [
    'a graph of another interface',
    async () =>
      Buffer.from(
        (await crafted(`${folder.dir}/craft`)).toString('latin1').replaceAll('input_ids', 'input_xyz'),
        'latin1',
      ),
  ],
])('%s under the right name is thrown away, and the model’s own opens', async (what, craft) => {
  const dir = `${folder.dir}/planted-${what.length}`;
  await plant(dir, await craft());
  const session = await openOnnxSession(model('artifact'), {
    threads: 1,
    preprocessing: tinyPreprocessing,
    graphCache: { dir, model: 'the model' },
  });
  expect(session.isKept).toBe(false);
  expect([...(await session.run(inputs))]).toEqual(await judge(null));
  await session.close();
});

test('a graph that judges otherwise than the model did at its export changes no verdict of any command', async () => {
  const [dir, artifact] = [`${folder.dir}/verdicts`, `${folder.dir}/checked`];
  mkdirSync(artifact);
  await writeTinyArtifact(artifact);
  const image = await sharp(Buffer.from(Uint8Array.from({ length: 3072 }, (_, i) => (i * 7) % 256)), {
    raw: { width: 32, height: 32, channels: 3 },
  })
    .png()
    .toBuffer();
  const logitOf = async (graphCacheDir: string | null) => {
    const classifier = await openClassifier(artifact, { graphCacheDir, workers: 1 });
    const [prediction] = await classifier.classify([{ text: 'a flood', image }]);
    const { posts } = classifier.stats();
    await classifier.close();
    return { logit: prediction?.logit, posts };
  };
  const { logit } = await logitOf(null);
  const file = `${artifact}/artifact.json`;
  const description = JSON.parse(readFileSync(file, 'utf8')) as { sha256: Record<string, string> };
  const selfCheck = { text: 'a flood', image: image.toString('base64'), logit };
  writeFileSync(file, JSON.stringify({ ...description, selfCheck }));
  const name = ['multimodal_model.onnx', 'multimodal_model.onnx.data'].map((each) => description.sha256[each]).join();
  await plant(dir, await crafted(`${folder.dir}/craft-2`), name);
  expect(await logitOf(dir)).toEqual({ logit, posts: 1 });
  expect(await logitOf(dir)).toEqual({ logit, posts: 1 }); // the one that was made again
});

test('a graph that others could have written is thrown away', async () => {
  const dir = `${folder.dir}/open`;
  const places = () => [
    dir,
    ...filesOf(dir)
      .flatMap((file) => [path.dirname(file), file])
      .map((each) => path.join(dir, each)),
  ];
  const isClosed = () => places().every((place) => (statSync(place).mode & 0o077) === 0);
  for (const which of [0, 1, 2]) {
    await judge(dir);
    expect([await isKept(dir), isClosed()]).toEqual([true, true]);
    chmodSync(places()[which] as string, 0o777);
    expect(await isKept(dir)).toBe(false);
    expect(isClosed()).toBe(true);
  }
  await judge(dir);
  const file = places()[2] as string;
  renameSync(file, `${folder.dir}/elsewhere.onnx`);
  symlinkSync(`${folder.dir}/elsewhere.onnx`, file);
  expect(await isKept(dir)).toBe(false);
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
