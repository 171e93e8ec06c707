import { architectureSchema } from '@crosscheck/contract';
import { expect, test } from 'vitest';
import {
  type NamedTensor,
  parameterNames,
  textBackboneNames,
  totalParameters,
  visionBackboneNames,
} from '../src/index.ts';
import golden from './golden/state-dict-names.json' with { type: 'json' };

const architecture = architectureSchema.parse({});
const torchNames = { F32: 'torch.float32', I64: 'torch.int64' };
const rows = (tensors: NamedTensor[]): unknown[] =>
  tensors.map(({ name, shape, dtype }) => [name, shape, torchNames[dtype]]);

test("the vision backbone has the names, shapes, dtypes and order of torchvision's efficientnet_b0", () => {
  const features = golden.torchvision.filter(([name]) => (name as string).startsWith('features.'));
  expect(features).toHaveLength(358);
  expect(rows(visionBackboneNames(architecture.vision))).toEqual(features);
});

test("the text backbone has the names, shapes, dtypes and order of Hugging Face's DistilBertModel", () => {
  expect(golden.distilbert).toHaveLength(100);
  expect(rows(textBackboneNames(architecture.text))).toEqual(golden.distilbert);
});

test('the whole network has 72,240,765 parameters, 1,870,337 of them in the heads', () => {
  const tensors = parameterNames(architecture);
  expect(totalParameters(tensors)).toBe(72_240_765);
  expect(totalParameters(tensors.filter(({ name }) => !name.includes('.backbone.')))).toBe(1_870_337);
  expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
});

test('the heads follow the backbones under the names of the reference', () => {
  const heads = parameterNames(architecture).filter(({ name }) => !name.includes('.backbone.'));
  expect(heads.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
    'vision_branch.projection.0.weight 512x1280',
    'vision_branch.projection.0.bias 512',
    'vision_branch.projection.3.weight 512x512',
    'vision_branch.projection.3.bias 512',
    'text_branch.projection.0.weight 512x768',
    'text_branch.projection.0.bias 512',
    'text_branch.projection.3.weight 512x512',
    'text_branch.projection.3.bias 512',
    'fusion.0.weight 256x1024',
    'fusion.0.bias 256',
    'fusion.3.weight 128x256',
    'fusion.3.bias 128',
    'fusion.6.weight 1x128',
    'fusion.6.bias 1',
  ]);
});

test('a small network follows from its own numbers', () => {
  const stages = [
    { expand: 1, channels: 4, repeats: 1, stride: 1, kernel: 3 },
    { expand: 2, channels: 6, repeats: 2, stride: 2, kernel: 5 },
  ];
  const { vision } = architectureSchema.parse({ vision: { stemChannels: 3, stages, headChannels: 10 } });
  const kernels = visionBackboneNames(vision).filter(({ shape }) => shape.length === 4);
  expect(kernels.map(({ name, shape }) => `${name.replace('.weight', '')} ${shape.join('×')}`)).toEqual([
    'features.0.0 3×3×3×3',
    'features.1.0.block.0.0 3×1×3×3', // nothing to expand
    'features.1.0.block.1.fc1 1×3×1×1',
    'features.1.0.block.1.fc2 3×1×1×1',
    'features.1.0.block.2.0 4×3×1×1',
    'features.2.0.block.0.0 8×4×1×1',
    'features.2.0.block.1.0 8×1×5×5',
    'features.2.0.block.2.fc1 1×8×1×1',
    'features.2.0.block.2.fc2 8×1×1×1',
    'features.2.0.block.3.0 6×8×1×1',
    'features.2.1.block.0.0 12×6×1×1',
    'features.2.1.block.1.0 12×1×5×5',
    'features.2.1.block.2.fc1 1×12×1×1',
    'features.2.1.block.2.fc2 12×1×1×1',
    'features.2.1.block.3.0 6×12×1×1',
    'features.3.0 10×6×1×1',
  ]);
  expect(visionBackboneNames(vision).at(-6)).toMatchObject({ name: 'features.3.0.weight', shape: [10, 6, 1, 1] });
});
