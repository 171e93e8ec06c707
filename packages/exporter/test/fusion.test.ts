import { readFileSync } from 'node:fs';
import type { Architecture } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';
import { tinyArchitecture } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const strategies: readonly Architecture['fusion'][] = ['concat', 'gated', 'bilinear', 'cross_attention'];

describe.each(strategies)('a network that fuses by %s', (fusion) => {
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
