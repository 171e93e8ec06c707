import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { architectureSchema, type CheckpointMetadata, defaultPreprocessing } from '@crosscheck/contract';
import { elementCount, parameterNames } from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import {
  openCheckpoint,
  openSafetensors,
  readCheckpointMetadata,
  resolveCheckpointPath,
  type TensorToWrite,
  writeCheckpoint,
  writeSafetensors,
} from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);
const file = (name: string): string => path.join(dir, name);

const architecture = architectureSchema.parse({
  vision: { stemChannels: 4, stages: [{ expand: 1, channels: 4, repeats: 1, stride: 1, kernel: 3 }], headChannels: 8 },
  text: { vocabSize: 11, maxPositions: 5, hiddenSize: 4, layers: 1, heads: 2, feedForwardSize: 6 },
  embeddingDim: 3,
  fusionHiddenDim: 4,
});

const metadata: CheckpointMetadata = {
  formatVersion: 1,
  version: '1.7',
  createdAt: '2026-01-02T03:04:05.000Z',
  labels: { 0: 'REAL', 1: 'FAKE' },
  preprocessing: defaultPreprocessing,
  architecture,
  threshold: 0.5,
  temperature: 1.25,
  metrics: { 'val/accuracy': 0.9 },
  tokenizer: '{"model":{"type":"WordPiece"}}',
  config: { training: { learning_rate: 2e-5 } },
  configOrigins: { 'training.learning_rate': 'configs/training/default.yaml:3' },
  runId: null,
  epoch: 3,
  step: 42,
};

const parameters = (): TensorToWrite[] =>
  parameterNames(architecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name, shape }, i) => ({
      name,
      shape,
      dtype: 'F32',
      data: () => new Float32Array(elementCount(shape)).fill(i),
    }));

describe('a checkpoint', () => {
  test('comes back with its tensors and all that it says about itself', async () => {
    await writeCheckpoint(file('round.safetensors'), { tensors: parameters(), metadata });
    const checkpoint = await openCheckpoint(file('round.safetensors'));
    expect(checkpoint.metadata).toEqual(metadata);
    const last = parameters().length - 1;
    expect(await checkpoint.read('fusion.6.bias')).toEqual(new Float32Array([last]));
    await checkpoint.close();
    expect(await readCheckpointMetadata(file('round.safetensors'))).toEqual(metadata);
  });

  test('holds exactly the tensors that load_state_dict(strict=True) wants, step counts included', async () => {
    await writeCheckpoint(file('strict.safetensors'), { tensors: parameters(), metadata });
    const opened = await openSafetensors(file('strict.safetensors'));
    const rows = parameterNames(architecture).map(({ name, shape, dtype }) => `${name} ${dtype} ${shape.join('x')}`);
    expect(
      [...opened.tensors.values()].map(({ name, shape, dtype }) => `${name} ${dtype} ${shape.join('x')}`).toSorted(),
    ).toEqual(rows.toSorted());
    expect(await opened.read('vision_branch.backbone.features.0.1.num_batches_tracked')).toEqual(
      new Float32Array([42]),
    );
    expect(opened.metadata['format']).toBe('pt');
    await opened.close();
  });

  test('is not written with a tensor missing, extra or misshapen', async () => {
    const tensors = parameters().filter(({ name }) => name !== 'fusion.6.bias');
    const extra: TensorToWrite = { name: 'extra', dtype: 'F32', shape: [], data: new Float32Array(1) };
    const written = writeCheckpoint(file('bad/x.safetensors'), { tensors: [...tensors, extra], metadata });
    await expect(written).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_MISMATCH' });
    await expect(written).rejects.toThrow('1 missing: fusion.6.bias; 1 unexpected: extra');
    expect(readdirSync(dir)).not.toContain('bad');
  });

  test('is not written with a description that could not be read', async () => {
    const wrong = { ...metadata, threshold: 2 };
    const written = writeCheckpoint(file('bad.safetensors'), { tensors: parameters(), metadata: wrong });
    await expect(written).rejects.toMatchObject({ code: 'CROSSCHECK_CHECKPOINT_METADATA_INVALID' });
    await expect(written).rejects.toThrow(/threshold/);
  });

  test('with a damaged description is refused, by both readers', async () => {
    for (const [i, crosscheck] of ['{', '{"formatVersion":2}'].entries()) {
      await writeSafetensors(file(`damaged-${i}`), [], { crosscheck });
      await expect(openCheckpoint(file(`damaged-${i}`))).rejects.toMatchObject({
        code: 'CROSSCHECK_CHECKPOINT_METADATA_INVALID',
      });
      await expect(readCheckpointMetadata(file(`damaged-${i}`))).rejects.toThrow(`damaged-${i}`);
    }
  });

  test('that Crosscheck did not write has no description', async () => {
    await writeSafetensors(file('foreign'), [
      { name: 'fusion.6.bias', dtype: 'F32', shape: [1], data: new Float32Array([2]) },
    ]);
    const checkpoint = await openCheckpoint(file('foreign'), { positiveClass: 'real' });
    expect(checkpoint.metadata).toBeNull();
    expect(await checkpoint.read('fusion.6.bias')).toEqual(new Float32Array([-2]));
    await checkpoint.close();
  });

  test('that says what its labels mean cannot be told otherwise', async () => {
    await writeCheckpoint(file('known.safetensors'), { tensors: parameters(), metadata });
    await expect(openCheckpoint(file('known.safetensors'), { positiveClass: 'real' })).rejects.toThrow('1 means FAKE');
  });
});

describe('a checkpoint name', () => {
  const folder = file('checkpoints');
  mkdirSync(folder);
  for (const name of ['best_model_1.6.safetensors', 'both.pth', 'both.safetensors', 'notes.txt'])
    writeFileSync(path.join(folder, name), '');

  test('is a file in the folder', async () => {
    expect(await resolveCheckpointPath('best_model_1.6.safetensors', folder)).toBe(
      `${folder}/best_model_1.6.safetensors`,
    );
    expect(await resolveCheckpointPath('both.pth', folder)).toBe(`${folder}/both.pth`);
  });

  test('ending in .pth means the .safetensors of the same stem when only that exists', async () => {
    expect(await resolveCheckpointPath('best_model_1.6.pth', folder)).toBe(`${folder}/best_model_1.6.safetensors`);
  });

  test('may be a path of its own', async () => {
    expect(await resolveCheckpointPath(`${folder}/both.pth`, '/elsewhere')).toBe(`${folder}/both.pth`);
    expect(await resolveCheckpointPath(path.relative('.', `${folder}/both.pth`), '/elsewhere')).toBe(
      `${folder}/both.pth`,
    );
  });

  test('that is not there lists the checkpoints that are', async () => {
    const missing = resolveCheckpointPath('best_model_9.pth', folder);
    await expect(missing).rejects.toMatchObject({ code: 'CROSSCHECK_CHECKPOINT_NOT_FOUND' });
    await expect(missing).rejects.toThrow(
      `Not found checkpoint ${folder}/best_model_9.pth; ${folder} holds best_model_1.6.safetensors, both.pth, both.safetensors`,
    );
    await expect(resolveCheckpointPath('x.pth', `${folder}/none`)).rejects.toThrow(`there is no folder ${folder}/none`);
  });
});
