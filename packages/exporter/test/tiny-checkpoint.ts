import type { CheckpointMetadata } from '@crosscheck/contract';
import { parameterNames } from '@crosscheck/network';
import { type TensorToWrite, writeCheckpoint } from '@crosscheck/weights';
import { randomWeights } from '../src/graph/random-weights.ts';
import { tinyArchitecture, tinyPreprocessing, tinyTokenizerJson } from './tiny-artifact.ts';

export const tinyMetadata: CheckpointMetadata = {
  formatVersion: 1,
  version: '1.8',
  createdAt: '2026-01-01T00:00:00.000Z',
  labels: { 0: 'REAL', 1: 'FAKE' },
  preprocessing: tinyPreprocessing,
  architecture: tinyArchitecture,
  threshold: 0.4,
  temperature: 1.5,
  metrics: { 'val/accuracy': 0.8421 },
  tokenizer: tinyTokenizerJson,
  config: { training: { version: '1.8' } },
  configOrigins: {},
  runId: 'abc123',
  epoch: 3,
  step: 120,
};

/** A checkpoint with random weights, as `pnpm train` writes one. */
export async function writeTinyCheckpoint(file: string, changes: Partial<CheckpointMetadata> = {}): Promise<void> {
  const metadata = { ...tinyMetadata, ...changes };
  await writeCheckpoint(file, { tensors: randomTensors(metadata), metadata });
}

function randomTensors({ architecture }: CheckpointMetadata): TensorToWrite[] {
  const weights = randomWeights(architecture, 7);
  return parameterNames(architecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => weights.read(name) }));
}
