import path from 'node:path';
import { architectureSchema } from '@crosscheck/contract';
import {
  elementCount,
  parameterNames,
  textBackboneNames,
  visionArchitectureOf,
  visionBackboneNames,
} from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { checkTensors, openCheckpoint, openTextBackbone, openVisionBackbone, writeSafetensors } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const vision = visionArchitectureOf('efficientnet_lite0');
const text = {
  vocabSize: 7,
  maxPositions: 5,
  hiddenSize: 4,
  layers: 1,
  heads: 2,
  feedForwardSize: 6,
  layerNormEpsilon: 1e-12,
  pooling: 'cls' as const,
};

interface Named {
  name: string;
  shape: readonly number[];
}

let files = 0;
/** Tensors that count from 0. */
async function fileWith(tensors: readonly Named[]): Promise<string> {
  const file = path.join(dir, `${files++}.safetensors`);
  const data = (shape: readonly number[]) => () => Float32Array.from({ length: elementCount(shape) }, (_, i) => i);
  await writeSafetensors(
    file,
    tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32', data: data(shape) })),
  );
  return file;
}

const visionTensors = visionBackboneNames(vision).filter(({ dtype }) => dtype === 'F32');
const renamed = (tensors: readonly Named[], rename: (name: string) => string): Named[] =>
  tensors.map(({ name, shape }) => ({ name: rename(name), shape }));

test.each([
  ['DistributedDataParallel', (name: string) => `module.${name}`],
  ['torch.compile', (name: string) => `_orig_mod.${name}`],
  ['both', (name: string) => `_orig_mod.module.${name}`],
  ['both, the other way round', (name: string) => `module._orig_mod.${name}`],
  ['a module of Lightning', (name: string) => `model.${name}`],
  ['a task model with a backbone', (name: string) => `module.backbone.${name}`],
])('weights inside %s are those that it wraps', async (_, rename) => {
  const file = await openVisionBackbone(await fileWith(renamed(visionTensors, rename)), vision);
  expect(file.tensors.size).toBe(visionTensors.length);
  expect((await file.read('vision_branch.backbone.features.0.0.weight')).subarray(0, 3)).toEqual(
    Float32Array.of(0, 1, 2),
  );
  await file.close();
});

test("weights inside torch's AveragedModel are those that it wraps, without its count", async () => {
  const tensors = [{ name: 'n_averaged', shape: [] }, ...renamed(visionTensors, (name) => `module.${name}`)];
  const file = await openVisionBackbone(await fileWith(tensors), vision);
  expect(file.tensors.size).toBe(visionTensors.length);
  await file.close();
});

test('a whole checkpoint may have been wrapped', async () => {
  const architecture = architectureSchema.parse({ vision, text });
  const tensors = parameterNames(architecture).filter(({ dtype }) => dtype === 'F32');
  const file = await openCheckpoint(await fileWith(renamed(tensors, (name) => `module._orig_mod.${name}`)));
  expect([...file.tensors.keys()].toSorted()).toEqual(tensors.map(({ name }) => name).toSorted());
  await file.close();
});

test('a whole checkpoint of other backbones says which', async () => {
  const architecture = architectureSchema.parse({ vision, text });
  const file = await openCheckpoint(
    await fileWith(parameterNames(architecture).filter(({ dtype }) => dtype === 'F32')),
  );
  const check = (expected: object) => () =>
    checkTensors(file, parameterNames(architectureSchema.parse({ ...architecture, ...expected })), {
      what: 'the network',
    });
  expect(check({})).not.toThrow();
  const sizes = 'a text backbone of 1 layers of 4 (feed-forward 6, vocabulary 7, 5 positions)';
  const remedy = `set model.vision.backbone=efficientnet_lite0, and model.text.pretrained_model to ${sizes}`;
  expect(check({ vision: visionArchitectureOf('efficientnet_b1'), text: { ...text, layers: 2 } })).toThrow(remedy);
  expect(check({ vision: visionArchitectureOf('efficientnet_b1') })).toThrow(
    /backbones: set model.vision.backbone=efficientnet_lite0$/,
  );
  expect(check({ embeddingDim: 3 })).toThrow(/Use weights of this architecture, or configure that of the weights$/);
  await file.close();
});

test('layer norms of a BERT that came from TensorFlow are called gamma and beta', async () => {
  const modules = {
    'attention.q_lin': 'attention.self.query',
    'attention.k_lin': 'attention.self.key',
    'attention.v_lin': 'attention.self.value',
    'attention.out_lin': 'attention.output.dense',
    sa_layer_norm: 'attention.output.LayerNorm',
    'ffn.lin1': 'intermediate.dense',
    'ffn.lin2': 'output.dense',
    output_layer_norm: 'output.LayerNorm',
  };
  const bertName = (name: string) => {
    const module = Object.entries(modules).find(([ours]) => name.includes(`.${ours}.`));
    const theirs = module ? name.replace('transformer.', 'encoder.').replace(module[0], module[1]) : name;
    return `bert.${theirs}`.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
  };
  const extra = [
    { name: 'bert.embeddings.token_type_embeddings.weight', shape: [2, 4] },
    { name: 'bert.pooler.dense.weight', shape: [4, 4] },
    { name: 'cls.predictions.bias', shape: [7] },
  ];
  const file = await openTextBackbone(await fileWith([...renamed(textBackboneNames(text), bertName), ...extra]), text);
  expect(file.notes).toEqual(['token type 0 added to the positions', 'left out pooler, cls']);
  const positions = await file.read('text_branch.backbone.embeddings.position_embeddings.weight'); // [5, 4]
  expect([...positions.subarray(0, 8)]).toEqual([0, 2, 4, 6, 4, 6, 8, 10]);
  await file.close();
});

test('a BERT without vectors of token types, or with others than it is wide, does not fit', async () => {
  const bert = [{ name: 'encoder.layer.0.attention.self.query.weight', shape: [4, 4] }];
  const open = async (tensors: Named[]) => openTextBackbone(await fileWith(tensors), text);
  await expect(open(bert)).rejects.toThrow('embeddings.token_type_embeddings.weight');
  const wide = [...bert, { name: 'embeddings.token_type_embeddings.weight', shape: [2, 9] }];
  await expect(open(wide)).rejects.toThrow('embeddings.token_type_embeddings.weight [2, 9] instead of [2, 4]');
});
