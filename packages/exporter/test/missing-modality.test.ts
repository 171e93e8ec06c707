import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Architecture, artifactSchema } from '@crosscheck/contract';
import { openOnnxSession, readArtifact } from '@crosscheck/inference';
import { expectClose, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExportReport, exportArtifact } from '../src/index.ts';
import { tinyArchitecture, tinyPreprocessing } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const architecture: Architecture = { ...tinyArchitecture, missingModality: 'learned' };
const folder = temporaryFolder();
const outputDir = `${folder.dir}/artifact`;
let report: ExportReport;
beforeAll(async () => {
  const checkpoint = `${folder.dir}/best_model_1.8.safetensors`;
  await writeTinyCheckpoint(checkpoint, { architecture });
  report = await exportArtifact({ checkpoint, outputDir });
});
afterAll(() => folder.remove());

/** Two posts of different pictures and words. */
const size = 2;
const [pixels, length] = [3 * 32 * 32, 6];
const posts = {
  size,
  length,
  image: Float32Array.from({ length: size * pixels }, (_, i) => Math.sin(i / 7)),
  inputIds: Int32Array.from({ length: size * length }, (_, i) => 5 + ((i * 13) % 50)),
  attentionMask: new Int32Array(size * length).fill(1),
};
const withoutFirstPicture = { ...posts, image: posts.image.map((value, i) => (i < pixels ? Number.NaN : value)) };
const withoutFirstWords = { ...posts, attentionMask: posts.attentionMask.map((_, i) => (i < length ? 0 : 1)) };

async function judge(modelFile: string, inputs: typeof posts): Promise<Float32Array> {
  const session = await openOnnxSession(modelFile, { threads: 1, preprocessing: tinyPreprocessing });
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

describe('an exported network that was trained for posts without a picture or words', () => {
  const modelFile = `${outputDir}/multimodal_model.onnx`;

  test('agrees with the trained one on such posts, alone and among others', () => {
    const without = report.parity.rows.filter(({ sample }) => /no |without/.test(sample));
    expect(without.map(({ sample }) => sample)).toEqual([
      'no picture',
      'no words',
      ...[1, 2, 3, 4].map((row) => `batch of 4, one without a picture and one without words, row ${row}`),
    ]);
    expect(report.parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
    expect(new Set(without.map(({ exportedLogit }) => exportedLogit.toFixed(5))).size).toBeGreaterThanOrEqual(4);
  });

  test('is served alike, with a blank text and without a picture', () => {
    expect(report.served.rows.map(({ sample }) => sample)).toEqual([
      'served post 1 ("")',
      'served post 2 ("A flood in the city,")',
      'served post 3 ("Wildfire burns near ")',
      'served without a picture',
    ]);
    expect(report.served.maxLogitDifference).toBeLessThanOrEqual(1e-4);
    expect(new Set(report.served.rows.map(({ exportedLogit }) => exportedLogit.toFixed(4))).size).toBe(4);
  });

  test('says so in artifact.json, on its model card and in the graph', async () => {
    expect((await readArtifact(outputDir)).artifact.modalities).toEqual({ image: 'optional', text: 'optional' });
    const { architecture: described } = report.artifact;
    expect(described.missingModality).toBe('learned');
  });

  test('judges by the words alone where the picture is NaN, and leaves other posts alone', async () => {
    const [complete, without] = [await judge(modelFile, posts), await judge(modelFile, withoutFirstPicture)];
    const others = { ...withoutFirstPicture, image: withoutFirstPicture.image.map((x, i) => (i < pixels ? x : 0)) };
    expect(without[0]).not.toBeCloseTo(complete[0] as number, 3);
    expect((await judge(modelFile, others))[0]).toBeCloseTo(without[0] as number, 5);
    expectClose(without.subarray(1), complete.subarray(1), { maxAbs: 1e-5 });
  });

  test('judges by the picture alone where no token is attended, whatever the ids are', async () => {
    const [complete, without] = [await judge(modelFile, posts), await judge(modelFile, withoutFirstWords)];
    const others = { ...withoutFirstWords, inputIds: posts.inputIds.map((id, i) => (i < length ? 3 : id)) };
    expect(without[0]).not.toBeCloseTo(complete[0] as number, 3);
    expect((await judge(modelFile, others))[0]).toBeCloseTo(without[0] as number, 5);
    expectClose(without.subarray(1), complete.subarray(1), { maxAbs: 1e-5 });
  });

  test.each([18, 20, 23])(
    'passes onnx.checker and judges alike in Python, with opset %i',
    async (opset) => {
      const dir = `${folder.dir}/opset-${opset}`;
      await exportArtifact({ checkpoint: `${folder.dir}/best_model_1.8.safetensors`, outputDir: dir, opset });
      const packages = ['onnx==1.23.2', 'onnxruntime==1.30.0', 'numpy>=1.26'];
      const environment = [`${repositoryRoot}/scripts/python-env.mjs`, 'onnx', ...packages];
      const python = (await run(process.execPath, environment)).stdout.trim();
      const file = `${dir}/multimodal_model.onnx`;
      const { stdout } = await run(python, ['-c', script, file]);
      const answers = JSON.parse(stdout) as { inputs: string[]; noPicture: number[]; noWords: number[] };
      expect(answers.inputs).toEqual(['image', 'input_ids', 'attention_mask']);
      expectClose(answers.noPicture, await judge(file, withoutFirstPicture), { maxAbs: 1e-5 });
      expectClose(answers.noWords, await judge(file, withoutFirstWords), { maxAbs: 1e-5 });
    },
    600_000,
  );
});

const run = promisify(execFile);
// The posts of this file once more, by the same formulas.
const script = `
import json, sys, numpy as np, onnx, onnxruntime
onnx.checker.check_model(sys.argv[1], full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
image = np.sin(np.arange(2 * 3 * 32 * 32) / 7).astype(np.float32).reshape(2, 3, 32, 32)
ids = (5 + np.arange(12) * 13 % 50).reshape(2, 6)
mask = np.ones((2, 6), dtype=np.int64)
ask = lambda image, mask: session.run(None, {'image': image, 'input_ids': ids, 'attention_mask': mask})[0].ravel().tolist()
no_picture, no_words = image.copy(), mask.copy()
no_picture[0], no_words[0] = np.nan, 0
print(json.dumps({'inputs': [i.name for i in session.get_inputs()],
                  'noPicture': ask(no_picture, mask), 'noWords': ask(image, no_words)}))`;

test('an artifact.json that says nothing of modalities needs both', async () => {
  const plain = `${folder.dir}/plain.safetensors`;
  await writeTinyCheckpoint(plain);
  const { artifact } = await exportArtifact({ checkpoint: plain, outputDir: `${folder.dir}/plain` });
  expect(artifact.modalities).toEqual({ image: 'required', text: 'required' });
  const { modalities: _, ...old } = artifact;
  expect(artifactSchema.parse(old).modalities).toEqual({ image: 'required', text: 'required' });
});
