import { CrosscheckError } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import { expectNoLeak, temporaryFolder } from '@crosscheck/testkit';
import { openTensorFile, type TensorFile, writeSafetensors } from '@crosscheck/weights';
import { afterAll, expect, test } from 'vitest';
import {
  createAdam,
  createModel,
  loadTextBackbone,
  loadVisionBackbone,
  loadWeights,
  type Model,
  modelTensors,
} from '../src/index.ts';
import { formulaBatch, formulaCheckpoint, formulaTensor, noDropout, sizes } from './formula.ts';

const { dir, remove } = temporaryFolder();
const models: Model[] = [];
afterAll(() => {
  for (const model of models) model.dispose();
  remove();
});

const { architecture } = sizes.tiny;
const batch = formulaBatch(sizes.tiny, [12, 7]);

function tiny(seed: number): Model {
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed });
  models.push(model);
  return model;
}

/** The formula's checkpoint with some tensors left out, added or reshaped. */
function changedCheckpoint(
  change: (tensors: Map<string, TensorFile['tensors'] extends ReadonlyMap<string, infer T> ? T : never>) => void,
): TensorFile {
  const file = formulaCheckpoint(architecture);
  const tensors = new Map(file.tensors);
  change(tensors);
  return { ...file, tensors };
}

test('a model that was saved and loaded is the same model, in PyTorch layout between', async () => {
  const [saved, loaded] = [tiny(1), tiny(2)];
  saved.computeGradients(batch, { seed: 0 }).dispose(); // moves the running statistics
  await writeSafetensors(`${dir}/model.safetensors`, modelTensors(saved));
  const file = await openTensorFile(`${dir}/model.safetensors`);
  await expectNoLeak(tf, () => loadWeights(loaded, file));
  expect(file.tensors.get('vision_branch.backbone.features.0.0.weight')?.shape).toEqual([8, 3, 3, 3]);
  await file.close();
  expect(loaded.predictLogits(batch)).toEqual(saved.predictLogits(batch));
  expect([...loaded.batchesTracked]).toEqual([...saved.batchesTracked]);
});

test('what is saved is what was loaded, element for element', async () => {
  const model = tiny(1);
  await loadWeights(model, formulaCheckpoint(architecture));
  for (const { name, shape, data } of modelTensors(model).filter(({ dtype }) => dtype === 'F32')) {
    expect((data as () => Float32Array)(), name).toEqual(formulaTensor(name, shape));
  }
});

test('training after loading leaves the arrays that were loaded alone', async () => {
  const model = tiny(1);
  const arrays = new Map([...model.tensors.values()].map(({ name, shape }) => [name, formulaTensor(name, shape)]));
  await loadWeights(model, {
    ...formulaCheckpoint(architecture),
    read: async (name) => arrays.get(name) as Float32Array,
  });
  const optimizer = createAdam();
  const result = model.computeGradients(batch, { seed: 0 });
  optimizer.step(model.variables, result.gradients, { learningRate: 0.1 });
  result.dispose();
  optimizer.dispose();
  for (const { name, shape } of model.tensors.values())
    expect(arrays.get(name), name).toEqual(formulaTensor(name, shape));
});

test('one error names everything that is missing, extra or misshapen, and nothing is loaded', async () => {
  const model = tiny(3);
  const before = model.predictLogits(batch);
  const file = changedCheckpoint((tensors) => {
    tensors.delete('fusion.0.weight');
    tensors.delete('text_branch.projection.3.bias');
    tensors.set('fusion.9.weight', { name: 'fusion.9.weight', dtype: 'F32', shape: [1] });
    tensors.set('fusion.6.weight', { name: 'fusion.6.weight', dtype: 'F32', shape: [2, 8] });
  });
  const error = await loadWeights(model, file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CrosscheckError);
  const { code, message } = error as CrosscheckError;
  expect(code).toBe('CROSSCHECK_WEIGHTS_MISMATCH');
  for (const part of [
    'fusion.0.weight',
    'text_branch.projection.3.bias',
    'fusion.9.weight',
    'fusion.6.weight [2, 8] instead of [1, 8]',
  ]) {
    expect(message).toContain(part);
  }
  expect(model.predictLogits(batch)).toEqual(before);
});

test('a backbone with NaN among its numbers is refused by name', async () => {
  const file = formulaCheckpoint(architecture);
  const [broken = ''] = [...file.tensors.keys()].filter((name) => name.endsWith('features.4.0.weight'));
  const read = async (name: string) => {
    const data = await file.read(name);
    return name === broken ? data.fill(Number.NaN, 3, 4) : data;
  };
  await expect(loadVisionBackbone(tiny(4), { ...file, read })).rejects.toMatchObject({
    code: 'CROSSCHECK_WEIGHTS_MISMATCH',
    message: expect.stringContaining(`expected numbers in ${broken}`),
  });
});

test('a backbone is loaded alone', async () => {
  const model = tiny(4);
  const start = model.encode(batch);
  await loadVisionBackbone(model, formulaCheckpoint(architecture));
  const withVision = model.encode(batch);
  expect(withVision.text).toEqual(start.text);
  expect(withVision.vision).not.toEqual(start.vision);
  await loadTextBackbone(model, formulaCheckpoint(architecture));
  const withBoth = model.encode(batch);
  expect(withBoth.vision).toEqual(withVision.vision);
  expect(withBoth.text).not.toEqual(start.text);
});
