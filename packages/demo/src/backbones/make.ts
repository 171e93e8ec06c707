// Makes the small backbones that the repository carries in assets/tiny: features that tell the demo's scene kinds apart, as ImageNet's
// and Wikipedia's weights do for real posts. Command: pnpm tiny:backbones
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Architecture, createRandom, type Preprocessing } from '@crosscheck/contract';
import { createModel, type Model, modelTensors, type Texts } from '@crosscheck/engine';
import { defaultDropout } from '@crosscheck/network';
import { createTokenizer, decodeImage, normalizeImage, padTokenIds } from '@crosscheck/preprocess';
import { tf } from '@crosscheck/tensorflow';
import { writeSafetensors } from '@crosscheck/weights';
import { writeCaption } from '../posts/captions.ts';
import { sceneKinds } from '../posts/kinds.ts';
import { renderScene } from '../posts/render-scene.ts';
import { type KindSet, pretrain } from './pretrain.ts';
import { tinyTokenizerJson } from './vocabulary.ts';

export interface MakeOptions {
  architecture: Architecture;
  preprocessing: Preprocessing;
  folder: string;
  pictures: number;
  captions: number;
  visionEpochs: number;
  textEpochs: number;
  seed: number;
  say: (line: string) => void;
}

const kindOf = (i: number) => i % sceneKinds.length;

async function makePictures(
  count: number,
  seed: string,
  { preprocessing, say }: MakeOptions,
): Promise<KindSet<tf.Tensor4D>> {
  const side = preprocessing.imageSize;
  const length = side * side * 3;
  const pixels = new Uint8Array(count * length);
  for (let i = 0; i < count; i++) {
    const jpeg = await renderScene(sceneKinds[kindOf(i)] ?? 'forest', createRandom(seed, i), 160);
    pixels.set(await decodeImage(jpeg, { size: side }), i * length);
    if ((i + 1) % 500 === 0) say(`${i + 1} of ${count} pictures drawn`);
  }
  return {
    size: count,
    kinds: Int32Array.from({ length: count }, (_, i) => kindOf(i)),
    inputs(rows) {
      const image = new Float32Array(rows.length * length);
      rows.forEach((row, i) => {
        const picture = pixels.subarray(row * length, (row + 1) * length);
        normalizeImage(mirrorSome(picture, side, row + i), preprocessing, 'nhwc', image, i * length);
      });
      return tf.tensor4d(image, [rows.length, side, side, 3]);
    },
  };
}

/** Mirrors every second picture, as training does. */
function mirrorSome(pixels: Uint8Array, side: number, salt: number): Uint8Array {
  if (salt % 2 === 0) return pixels;
  const mirrored = new Uint8Array(pixels.length);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const from = (y * side + x) * 3;
      mirrored.set(pixels.subarray(from, from + 3), (y * side + side - 1 - x) * 3);
    }
  return mirrored;
}

function makeCaptions(count: number, seed: string, preprocessing: Preprocessing): KindSet<Texts> {
  const tokenizer = createTokenizer(tinyTokenizerJson(), preprocessing);
  const rows = Array.from({ length: count }, (_, i) =>
    tokenizer.encode(writeCaption(sceneKinds[kindOf(i)] ?? 'forest', createRandom(seed, i))),
  );
  return {
    size: count,
    kinds: Int32Array.from({ length: count }, (_, i) => kindOf(i)),
    inputs(picked) {
      const ids = Array.from(picked, (row) => rows[row] as Int32Array);
      return { size: picked.length, ...padTokenIds(ids, tokenizer.padId) };
    },
  };
}

/** The backbone's tensors under the names of the library that it comes from: torchvision's, or Hugging Face's. */
function backboneTensors(model: Model, prefix: string) {
  return modelTensors(model)
    .filter(({ name }) => name.startsWith(prefix))
    .map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }));
}

/** Moves batch norm's running statistics as a training step does. */
function trainingPass(model: Model, seed: number) {
  const moveStatistic = (name: string, value: tf.Tensor) => {
    model.buffers.get(name)?.assign(value);
    value.dispose();
  };
  return { training: true, seed, moveStatistic };
}

export async function makeTinyBackbones(options: MakeOptions): Promise<{ vision: number; text: number }> {
  const { architecture, preprocessing, folder, seed, say } = options;
  const model = createModel({
    architecture,
    dropout: { ...defaultDropout, stochasticDepth: 0 },
    batchNormMomentum: 0.1,
    seed,
  });
  const shared = { model, kinds: sceneKinds.length, batchSize: 32, seed };
  const vision = pretrain(
    {
      ...shared,
      prefix: 'vision_branch.backbone.',
      width: architecture.vision.headChannels,
      encode: (image, step) => model.imageFeatures(image, step ? trainingPass(model, step.seed) : {}),
      epochs: options.visionEpochs,
      learningRate: 4e-3,
    },
    await makePictures(options.pictures, 'tiny pictures', options),
    await makePictures(options.pictures / 8, 'tiny pictures, validation', options),
    (line) => say(`vision ${line}`),
  );
  const text = pretrain(
    {
      ...shared,
      prefix: 'text_branch.backbone.',
      width: architecture.text.hiddenSize,
      encode: (texts, step) => model.textFeatures(texts, step ? trainingPass(model, step.seed) : {}),
      epochs: options.textEpochs,
      learningRate: 2e-3,
    },
    makeCaptions(options.captions, 'tiny captions', preprocessing),
    makeCaptions(options.captions / 8, 'tiny captions, validation', preprocessing),
    (line) => say(`text ${line}`),
  );
  mkdirSync(folder, { recursive: true });
  const made = { made_by: 'pnpm tiny:backbones', vision_accuracy: vision.toFixed(4), text_accuracy: text.toFixed(4) };
  await writeSafetensors(
    path.join(folder, 'vision.safetensors'),
    backboneTensors(model, 'vision_branch.backbone.'),
    made,
  );
  await writeSafetensors(path.join(folder, 'text.safetensors'), backboneTensors(model, 'text_branch.backbone.'), made);
  writeFileSync(path.join(folder, 'tokenizer.json'), tinyTokenizerJson());
  model.dispose();
  return { vision, text };
}
