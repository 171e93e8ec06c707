import { mkdirSync } from 'node:fs';
import { architectureSchema } from '@crosscheck/contract';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
beforeAll(() => writeTinyCheckpoint(`${folder.dir}/full.safetensors`, { architecture: architectureSchema.parse({}) }));
afterAll(() => folder.remove());

test('writing the whole network takes less memory than one and a half times its weights', async () => {
  mkdirSync(`${folder.dir}/artifact`);
  const { stdout, stderr, code } = await runEntry('packages/exporter/test/bin/write-full-size.ts', [
    `${folder.dir}/full.safetensors`,
    `${folder.dir}/artifact`,
  ]);
  expect([stderr, code]).toEqual(['', 0]);
  const { modelBytes, peakBytes } = JSON.parse(stdout) as { modelBytes: number; peakBytes: number };
  expect(modelBytes).toBeGreaterThan(280e6);
  expect(peakBytes / modelBytes).toBeLessThan(1.5);
});
