import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { labelMap } from '@crosscheck/contract';
import { openClassifier } from '@crosscheck/inference';
import { normalizeImage } from '@crosscheck/preprocess';
import { expectClose, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import type * as Transformers from '@huggingface/transformers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';
import { encodePng, tinyPreprocessing } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';
import { writePosts } from './tiny-posts.ts';

const run = promisify(execFile);
const precisions = ['fp32', 'fp16', 'int8'] as const;
const folder = temporaryFolder();
const { imageSize: size } = tinyPreprocessing;

/** Pictures of the model's size, which no library needs to resize. */
const pictures = [1, 2, 3].map((kind) =>
  Uint8Array.from({ length: 3 * size * size }, (_, i) => (i * kind * 7 + Math.floor(i / 96) * 5) % 256),
);
const texts = ['a flood', 'Wildfire burns near the river at night', ''];

let python: string;
let transformers: typeof Transformers;
beforeAll(async () => {
  process.env.ORT_DISABLE_TELEMETRY = '1'; // before the import loads onnxruntime
  transformers = await import('@huggingface/transformers');
  transformers.env.logLevel = transformers.LogLevel.ERROR; // it says that it does not know the type of the model
  transformers.env.allowRemoteModels = false;
  transformers.env.localModelPath = folder.dir;
  const requirements = ['onnx==1.23.2', 'onnxruntime==1.30.0', 'numpy>=1.26'];
  const script = `${repositoryRoot}/scripts/python-env.mjs`;
  python = (await run(process.execPath, [script, 'onnx', ...requirements])).stdout.trim();
  await writeTinyCheckpoint(`${folder.dir}/model.safetensors`);
  const [calibration, comparison] = ['val', 'test'].map((split) => writePosts(`${folder.dir}/data`, split));
  for (const precision of precisions) {
    await exportArtifact({
      checkpoint: `${folder.dir}/model.safetensors`,
      outputDir: `${folder.dir}/${precision}`,
      precision,
      readPosts: async () => ({ calibration: calibration ?? [], comparison: comparison ?? [], evaluation: [] }),
    });
  }
}, 600_000);
afterAll(() => folder.remove());

/** Logits of a folder as it is served, post by post. */
async function servedLogits(dir: string): Promise<number[]> {
  const classifier = await openClassifier(dir, { workers: 1, maxBatch: 1 });
  const posts = texts.map((text, i) => ({ text, image: Buffer.from(encodePicture(i)) }));
  const verdicts = await classifier.classify(posts);
  await classifier.close();
  return verdicts.map(({ logit }) => logit);
}

const encodePicture = (i: number) =>
  encodePng(size, size, (x, y) => {
    const at = 3 * (y * size + x);
    return [...(pictures[i] as Uint8Array).subarray(at, at + 3)] as [number, number, number];
  });

const pixelValues = (i: number) => {
  const out = new Float32Array(3 * size * size);
  normalizeImage(pictures[i] as Uint8Array, tinyPreprocessing, 'nchw', out, 0);
  return out;
};

/** A blank text has words of its own in this model, which its readers must know: the model card says so. */
const wordsOf = (text: string) => (text.trim() === '' ? tinyPreprocessing.emptyText : text);

// Hugging Face's tokenizers come with Python's onnxruntime no more than ours does; ids are passed on, the rest is read from the folder.
const script = `
import json, sys, numpy as np, onnx, onnxruntime
folder, inputs = sys.argv[1], json.load(open(sys.argv[2]))
path = folder + '/multimodal_model.onnx'
onnx.checker.check_model(path, full_check=True)
options = onnxruntime.SessionOptions()
if 'vnni' not in open('/proc/cpuinfo').read(): options.add_session_config_entry('session.x64quantprecision', '1')
session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
side = json.load(open(folder + '/preprocessor_config.json'))['size']['height']
logits = [session.run(['logits'], {
    'image': np.array(i['image'], dtype=np.float32).reshape(1, 3, side, side),
    'input_ids': np.array([i['ids']], dtype=np.int64),
    'attention_mask': np.ones((1, len(i['ids'])), dtype=np.int64)})[0].item() for i in inputs]
print(json.dumps(logits))
`;

test.each(precisions)(
  '%s passes onnx.checker, and Python and transformers.js give the logits that are served',
  async (precision) => {
    const dir = `${folder.dir}/${precision}`;
    const served = await servedLogits(dir);
    expect(new Set(served.map((logit) => logit.toFixed(3))).size).toBe(3);

    const { AutoConfig, AutoTokenizer, AutoModel, AutoImageProcessor, RawImage, Tensor } = transformers;
    const config = await AutoConfig.from_pretrained(precision);
    expect(config).toMatchObject({ id2label: labelMap, label2id: { REAL: 0, FAKE: 1 } });
    const tokenizer = await AutoTokenizer.from_pretrained(precision);
    const processor = await AutoImageProcessor.from_pretrained(precision, {});
    const model = await AutoModel.from_pretrained(precision, {
      model_file_name: 'multimodal_model',
      subfolder: '',
      dtype: 'fp32', // the file's name has no suffix, whatever its weights are
    });
    const theirs: number[] = [];
    const inputs: { ids: number[]; image: number[] }[] = [];
    for (const [i, text] of texts.entries()) {
      const { input_ids, attention_mask } = tokenizer(wordsOf(text), { truncation: true });
      const { pixel_values } = await processor(
        new RawImage(Uint8ClampedArray.from(pictures[i] as Uint8Array), size, size, 3),
      );
      expectClose([...pixel_values.data], [...pixelValues(i)], { maxAbs: 1e-5 });
      const image = new Tensor('float32', pixel_values.data, pixel_values.dims);
      const { logits } = await model({ image, input_ids, attention_mask });
      theirs.push(logits.data[0]);
      inputs.push({ ids: [...input_ids.data].map(Number), image: [...pixelValues(i)] });
    }
    await model.dispose();
    expectClose(theirs, served, { maxAbs: 1e-5 });

    const file = path.join(folder.dir, `${precision}.json`);
    writeFileSync(file, JSON.stringify(inputs));
    const { stdout } = await run(python, ['-c', script, dir, file]);
    expectClose(JSON.parse(stdout), served, { maxAbs: 1e-5 });
    expect(readFileSync(`${dir}/README.md`, 'utf8')).toContain('pipeline_tag');
  },
);
