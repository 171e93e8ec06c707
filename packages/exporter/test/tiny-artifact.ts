import type { Architecture, Preprocessing } from '@crosscheck/contract';
import { architectureSchema, defaultPreprocessing } from '@crosscheck/contract';
import { buildBertTokenizerJson } from '@crosscheck/preprocess';
import type { ArtifactContent } from '../src/artifact/artifact-content.ts';
import { writeArtifactFiles, writeManifest } from '../src/artifact/write-artifact.ts';
import { randomWeights } from '../src/graph/random-weights.ts';
import { encodePng as encodePixels } from '../src/parity/encode-png.ts';

const words =
  'a the of in over near at wildfire flood snowstorm city night river street burns covers hits fills crowd calm'.split(
    ' ',
  );
const tinyVocabulary = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...words,
  ...Array.from('abcdefghijklmnopqrstuvwxyz'),
  '##s',
  '##ing',
];

/** The full network's code with small numbers; both kinds of MBConv blocks, a residual, two attention layers. */
export const tinyArchitecture: Architecture = architectureSchema.parse({
  vision: {
    stemChannels: 8,
    stages: [
      { expand: 1, channels: 8, repeats: 1, stride: 1, kernel: 3 },
      { expand: 4, channels: 16, repeats: 2, stride: 2, kernel: 5 },
    ],
    headChannels: 64,
  },
  text: { vocabSize: 64, maxPositions: 40, hiddenSize: 32, layers: 2, heads: 4, feedForwardSize: 64 },
  embeddingDim: 32,
  fusionHiddenDim: 64,
});

export const tinyPreprocessing: Preprocessing = { ...defaultPreprocessing, imageSize: 32, maxTokens: 24 };

export const tinyTokenizerJson: string = buildBertTokenizerJson(tinyVocabulary);

/** An artifact with random weights, written by the exporter's own writer but not compared with a trained network. */
function tinyContent(overrides: Partial<ArtifactContent> = {}): ArtifactContent {
  return {
    name: 'Crosscheck',
    version: 'tiny',
    architecture: tinyArchitecture,
    preprocessing: tinyPreprocessing,
    threshold: 0.5,
    temperature: 1,
    metrics: {},
    source: { checkpoint: 'random', checkpointSha256: '0'.repeat(64), runId: null },
    opset: 18,
    tokenizerJson: tinyTokenizerJson,
    weights: randomWeights(tinyArchitecture, 7),
    ...overrides,
  };
}

export async function writeTinyArtifact(dir: string, overrides: Partial<ArtifactContent> = {}): Promise<void> {
  const content = tinyContent(overrides);
  const sha256 = await writeArtifactFiles(dir, content);
  await writeManifest(dir, content, { sha256, parity: { samples: 0, maxLogitDifference: 0 } });
}

/** A picture as PNG bytes, by a formula. */
export function encodePng(
  width: number,
  height: number,
  pixel: (x: number, y: number) => [number, number, number],
): Uint8Array {
  const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => pixel(x, y)).flat());
  return encodePixels(Uint8Array.from(rows.flat()), width);
}
