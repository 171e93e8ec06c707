import { readFileSync } from 'node:fs';
import { artifactSchema } from '@crosscheck/contract';
import { openClassifier } from '@crosscheck/inference';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';
import { tinyArchitecture } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';
import { writePosts } from './tiny-posts.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const architectureOf = (pooling: 'cls' | 'mean', missingModality: 'none' | 'learned' = 'none') => ({
  ...tinyArchitecture,
  text: { ...tinyArchitecture.text, pooling },
  missingModality,
});

test.each(['none', 'learned'] as const)(
  'a network that pools texts by their mean is exported as it was trained, missing parts: %s',
  async (missingModality) => {
    const checkpoint = `${dir}/${missingModality}.safetensors`;
    await writeTinyCheckpoint(checkpoint, { architecture: architectureOf('mean', missingModality) });
    const outputDir = `${dir}/${missingModality}`;
    const { parity, served, artifact } = await exportArtifact({ checkpoint, outputDir });
    expect(parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
    expect(served.maxLogitDifference).toBeLessThanOrEqual(1e-4);
    expect(new Set(parity.rows.map(({ exportedLogit }) => exportedLogit.toFixed(5))).size).toBeGreaterThanOrEqual(4);
    expect(artifact.architecture.text.pooling).toBe('mean');
    expect(JSON.parse(readFileSync(`${outputDir}/config.json`, 'utf8'))).toMatchObject({
      text_config: { pooling: 'mean' },
    });
  },
);

test('by [CLS] it is another network, and what says nothing of pooling has that one', async () => {
  const logitsOf = async (pooling: 'cls' | 'mean') => {
    const checkpoint = `${dir}/${pooling}.safetensors`;
    await writeTinyCheckpoint(checkpoint, { architecture: architectureOf(pooling) });
    const { parity, artifact } = await exportArtifact({ checkpoint, outputDir: `${dir}/by-${pooling}` });
    return { logits: parity.rows.map(({ exportedLogit }) => exportedLogit), artifact };
  };
  const [cls, mean] = [await logitsOf('cls'), await logitsOf('mean')];
  expect(mean.logits).not.toEqual(cls.logits);
  const { pooling, ...text } = cls.artifact.architecture.text;
  const before = { ...cls.artifact, architecture: { ...cls.artifact.architecture, text } };
  expect(artifactSchema.parse(before).architecture.text.pooling).toBe(pooling);
});

test('in int8 and fp16 it judges nearly as in fp32', async () => {
  const posts = ['val', 'test'].flatMap((split) => writePosts(`${dir}/data`, split));
  const parts = { calibration: posts.slice(0, 20), comparison: posts.slice(20), evaluation: [] };
  const checkpoint = `${dir}/precisions.safetensors`;
  await writeTinyCheckpoint(checkpoint, { architecture: architectureOf('mean') });
  const answersIn = async (precision: string) => {
    const outputDir = `${dir}/precision-${precision}`;
    await exportArtifact({ checkpoint, outputDir, precision, readPosts: async () => parts });
    const classifier = await openClassifier(outputDir, { workers: 1, maxBatch: 8 });
    const answers = await classifier.classify(posts.slice(0, 8));
    await classifier.close();
    return answers.map(({ probabilityFake }) => probabilityFake);
  };
  const exact = await answersIn('fp32');
  for (const precision of ['fp16', 'int8'])
    for (const [i, probability] of (await answersIn(precision)).entries())
      expect(Math.abs(probability - (exact[i] as number)), precision).toBeLessThan(0.05);
});
