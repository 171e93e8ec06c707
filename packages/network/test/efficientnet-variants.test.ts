import { architectureSchema, visionBackbones } from '@crosscheck/contract';
import { expect, test } from 'vitest';
import { totalParameters, visionArchitectureOf, visionBackboneNames } from '../src/index.ts';

// Published sizes with the classifier of 1000 classes: torchvision's of B0–B4 and timm's of tf_efficientnet_lite0–4.
const published = {
  efficientnet_b0: 5_288_548,
  efficientnet_b1: 7_794_184,
  efficientnet_b2: 9_109_994,
  efficientnet_b3: 12_233_232,
  efficientnet_b4: 19_341_616,
  efficientnet_lite0: 4_652_008,
  efficientnet_lite1: 5_416_680,
  efficientnet_lite2: 6_092_072,
  efficientnet_lite3: 8_197_096,
  efficientnet_lite4: 13_006_568,
};

test.each(visionBackbones)('%s has as many parameters as published', (backbone) => {
  const vision = visionArchitectureOf(backbone);
  const classifier = (vision.headChannels + 1) * 1000;
  expect(totalParameters(visionBackboneNames(vision)) + classifier).toBe(published[backbone]);
});

test('B0 is what an architecture has that names no backbone', () => {
  expect(visionArchitectureOf('efficientnet_b0')).toEqual(architectureSchema.parse({}).vision);
});
