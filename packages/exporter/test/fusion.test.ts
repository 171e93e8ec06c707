import { readFileSync } from 'node:fs';
import { fusionNames } from '@crosscheck/contract';
import { openClassifier } from '@crosscheck/inference';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';
import { tinyArchitecture } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';
import { writePosts } from './tiny-posts.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

describe.each(fusionNames)('a network that fuses by %s', (fusion) => {
  test.each(['none', 'learned'] as const)(
    'is exported as it was trained, missing parts: %s',
    async (missingModality) => {
      const architecture = { ...tinyArchitecture, fusion, missingModality };
      const name = `${fusion}-${missingModality}`;
      const checkpoint = `${dir}/${name}.safetensors`;
      await writeTinyCheckpoint(checkpoint, { architecture });
      const { parity, artifact } = await exportArtifact({ checkpoint, outputDir: `${dir}/${name}` });
      expect(parity.rows).toHaveLength(missingModality === 'learned' ? 14 : 8);
      expect(parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
      expect(new Set(parity.rows.map(({ exportedLogit }) => exportedLogit.toFixed(5))).size).toBeGreaterThanOrEqual(4);
      expect(artifact.architecture.fusion).toBe(fusion);
      expect(JSON.parse(readFileSync(`${dir}/${name}/config.json`, 'utf8'))).toMatchObject({ fusion });
    },
  );
});

describe('in int8', () => {
  const posts = ['val', 'test'].flatMap((split) => writePosts(`${dir}/data`, split));
  const parts = { calibration: posts.slice(0, 20), comparison: posts.slice(20), evaluation: [] };

  test.each(fusionNames)('%s judges posts with and without parts nearly as in fp32, in one batch', async (fusion) => {
    const checkpoint = `${dir}/${fusion}-int8.safetensors`;
    await writeTinyCheckpoint(checkpoint, {
      architecture: { ...tinyArchitecture, fusion, missingModality: 'learned' },
    });
    const answersIn = async (precision: string) => {
      const outputDir = `${dir}/${fusion}-${precision}`;
      await exportArtifact({ checkpoint, outputDir, precision, readPosts: async () => parts });
      const classifier = await openClassifier(outputDir, { workers: 1, maxBatch: 8 });
      const mixed = posts
        .slice(0, 8)
        .map(({ text, image }, i) => ({ text: i === 2 ? '' : text, image: i === 5 ? null : image }));
      const answers = await classifier.classify(mixed);
      await classifier.close();
      return answers.map(({ probabilityFake }) => probabilityFake);
    };
    const [exact, rounded] = [await answersIn('fp32'), await answersIn('int8')];
    for (const [i, probability] of exact.entries())
      expect(Math.abs((rounded[i] as number) - probability)).toBeLessThan(0.05);
    expect(rounded).not.toEqual(exact);
  });
});
