import path from 'node:path';
import { type Architecture, architectureSchema } from '@crosscheck/contract';
import {
  elementCount,
  type NamedTensor,
  parameterNames,
  textBackboneNames,
  textPrefix,
  visionBackboneNames,
  visionPrefix,
} from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import golden from '../../network/test/golden/state-dict-names.json' with { type: 'json' };
import { visionSchemes } from '../src/backbones/naming-schemes.ts';
import {
  openSafetensors,
  type TensorFile,
  viewTextBackbone,
  viewVisionBackbone,
  writeSafetensors,
} from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const full = architectureSchema.parse({});
const tiny: Architecture = architectureSchema.parse({
  vision: {
    stemChannels: 4,
    stages: [
      { expand: 1, channels: 4, repeats: 1, stride: 1, kernel: 3 },
      { expand: 2, channels: 6, repeats: 2, stride: 2, kernel: 5 },
    ],
    headChannels: 8,
  },
  text: { vocabSize: 11, maxPositions: 5, hiddenSize: 4, layers: 2, heads: 2, feedForwardSize: 6 },
  embeddingDim: 3,
  fusionHiddenDim: 4,
});

/** Different numbers for every tensor: its place in the list, then counting. */
const valuesOf = (index: number, { shape }: NamedTensor): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, (_, i) => index + i / 1024);

let files = 0;
async function fileWith(
  tensors: readonly NamedTensor[],
  rename: (name: string) => string,
  extra: string[] = [],
): Promise<TensorFile> {
  const target = path.join(dir, `${files++}.safetensors`);
  const kept = tensors.map((tensor, i) => ({
    ...tensor,
    dtype: 'F32' as const,
    name: rename(tensor.name),
    data: valuesOf(i, tensor),
  }));
  const more = extra.map((name) => ({ name, dtype: 'F32' as const, shape: [1], data: new Float32Array(1) }));
  await writeSafetensors(target, [...kept, ...more]);
  return openSafetensors(target);
}

async function valuesIn(file: TensorFile): Promise<[name: string, values: Float32Array][]> {
  const values: [string, Float32Array][] = [];
  for (const name of file.tensors.keys()) values.push([name, await file.read(name)]);
  await file.close();
  return values;
}

const valuesUnder = (prefix: string, tensors: readonly NamedTensor[]): [name: string, values: Float32Array][] =>
  tensors.map((tensor, i) => [prefix + tensor.name, valuesOf(i, tensor)]);

test("our names map onto every name and shape of timm's efficientnet_b0", () => {
  const timm = visionSchemes(full.vision).find(({ library }) => library === 'timm');
  const ours = visionBackboneNames(full.vision).map(({ name, shape }) => `${timm?.theirName(name)} ${shape.join('x')}`);
  const theirs = golden.timm.filter(([name]) => !(name as string).startsWith('classifier.'));
  expect(ours.toSorted()).toEqual(
    theirs.map(([name, shape]) => `${name as string} ${(shape as number[]).join('x')}`).toSorted(),
  );
});

describe('the vision backbone comes from', () => {
  const names = visionBackboneNames(tiny.vision);
  const timm = visionSchemes(tiny.vision).at(-1)?.theirName ?? String;
  const cases: [source: string, rename: (name: string) => string, extra: string[]][] = [
    ["torchvision's model", (name) => name, ['classifier.1.weight', 'classifier.1.bias']],
    ["torchvision's features alone", (name) => name.replace('features.', ''), []],
    ["timm's model", timm, ['classifier.weight', 'classifier.bias']],
    ['a whole checkpoint of ours', (name) => visionPrefix + name, ['fusion.0.weight', 'text_branch.projection.0.bias']],
  ];
  test.each(cases)('%s', async (_, rename, extra) => {
    const view = viewVisionBackbone(await fileWith(names, rename, extra), tiny.vision);
    expect(await valuesIn(view)).toEqual(valuesUnder(visionPrefix, names));
  });

  test('a file without batch norm step counts', async () => {
    const kept = names.filter(({ name }) => !name.endsWith('num_batches_tracked'));
    const view = viewVisionBackbone(await fileWith(kept, (name) => name), tiny.vision);
    expect(await valuesIn(view)).toEqual(valuesUnder(visionPrefix, kept));
  });
});

describe('the text backbone comes from', () => {
  const names = textBackboneNames(tiny.text);
  const cases: [source: string, rename: (name: string) => string, extra: string[]][] = [
    ["Hugging Face's DistilBertModel", (name) => name, []],
    ['a file with position ids', (name) => name, ['embeddings.position_ids']],
    [
      'DistilBertForMaskedLM',
      (name) => `distilbert.${name}`,
      ['vocab_transform.weight', 'vocab_layer_norm.bias', 'vocab_projector.bias'],
    ],
    [
      'DistilBertForSequenceClassification',
      (name) => `distilbert.${name}`,
      ['pre_classifier.weight', 'classifier.bias'],
    ],
    ['a whole checkpoint of ours', (name) => textPrefix + name, ['fusion.0.weight', 'vision_branch.projection.0.bias']],
  ];
  test.each(cases)('%s', async (_, rename, extra) => {
    const view = viewTextBackbone(await fileWith(names, rename, extra), tiny.text);
    expect(await valuesIn(view)).toEqual(valuesUnder(textPrefix, names));
  });
});

describe('weights that do not fit', () => {
  test('name every missing, unexpected and misshapen tensor in one error', async () => {
    const names = textBackboneNames(tiny.text).filter(({ name }) => !name.includes('layer.1.ffn.lin1'));
    const wider = names.map((tensor) => (tensor.name.includes('LayerNorm') ? { ...tensor, shape: [9] } : tensor));
    const file = await fileWith(wider, (name) => name, ['surprise', 'embeddings.position_ids']);
    const view = (): TensorFile => viewTextBackbone(file, tiny.text);
    expect(view).toThrow(expect.objectContaining({ code: 'CROSSCHECK_WEIGHTS_MISMATCH' }));
    expect(view).toThrow(
      `the tensors in ${file.path} do not fit the text backbone (2 layers of 4): ` +
        '2 missing: transformer.layer.1.ffn.lin1.weight, transformer.layer.1.ffn.lin1.bias; 1 unexpected: surprise; ' +
        '2 of another shape: embeddings.LayerNorm.weight [9] instead of [4], embeddings.LayerNorm.bias [9] instead of [4]. ' +
        'The file looks like a text backbone of 1 layers of 4 (feed-forward 6, vocabulary 11, 5 positions): ' +
        'set model.text.pretrained_model to the Hub id or the folder with its config.json, and leave the sizes under model.text out',
    );
    await file.close();
  });

  test('are listed up to twenty of a kind, with the total', async () => {
    const file = await fileWith(textBackboneNames(tiny.text).slice(0, 4), (name) => name);
    expect(() => viewTextBackbone(file, tiny.text)).toThrow(/32 missing: transformer\.layer\.0.* and 12 more/);
    await file.close();
  });

  test('of another library altogether say which names were looked for', async () => {
    const file = await fileWith([], String, ['encoder.weight']);
    expect(() => viewVisionBackbone(file, tiny.vision)).toThrow(
      /holds no weights of the vision backbone .* such as vision_branch.* features\.0\.0\.weight \(torchvision\).* conv_stem\.weight \(timm\), _conv_stem\.weight \(efficientnet-pytorch\), got 1 tensors: encoder\.weight/,
    );
    await file.close();
  });

  test('of an integer dtype are refused', async () => {
    const target = path.join(dir, 'integers.safetensors');
    const names = textBackboneNames(tiny.text);
    await writeSafetensors(
      target,
      names.map(({ name, shape }) => ({ name, shape, dtype: 'I32', data: () => new Int32Array(elementCount(shape)) })),
    );
    const file = await openSafetensors(target);
    expect(() => viewTextBackbone(file, tiny.text)).toThrow(
      '36 not floating-point: embeddings.word_embeddings.weight is I32',
    );
    await file.close();
  });
});

test('the names of the two branches and of the heads never meet', () => {
  const names = parameterNames(tiny).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
