// What backbones are made of: ReLU6 instead of SiLU, blocks without squeeze-and-excite, TensorFlow's padding, on even and odd sides.
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';
import { tinyArchitecture, tinyPreprocessing } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const lite = { activation: 'relu6', squeezeExcite: false, padding: 'same', batchNormEpsilon: 1e-3 } as const;

test.each([
  { name: 'EfficientNet-Lite', parts: lite, imageSize: 32 },
  { name: 'EfficientNet-Lite on an odd side', parts: lite, imageSize: 45 },
  { name: "EfficientNet with TensorFlow's padding", parts: { padding: 'same' } as const, imageSize: 33 },
  { name: 'EfficientNet without squeeze-and-excite', parts: { squeezeExcite: false }, imageSize: 30 },
])('$name is exported as it was trained', async ({ name, parts, imageSize }) => {
  const architecture = { ...tinyArchitecture, vision: { ...tinyArchitecture.vision, ...parts } };
  const preprocessing = { ...tinyPreprocessing, imageSize };
  const checkpoint = `${dir}/${name}.safetensors`;
  await writeTinyCheckpoint(checkpoint, { architecture, preprocessing });
  const { parity, served, artifact } = await exportArtifact({ checkpoint, outputDir: `${dir}/${name}` });
  expect(parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
  expect(served.maxLogitDifference).toBeLessThanOrEqual(1e-4);
  expect(new Set(parity.rows.map(({ exportedLogit }) => exportedLogit.toFixed(5))).size).toBeGreaterThanOrEqual(4);
  expect(artifact.architecture.vision).toMatchObject(parts);
});
