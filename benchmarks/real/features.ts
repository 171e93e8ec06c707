// What both backbones make of every stamp and its caption, once for all trainings of the heads.
import path from 'node:path';
import { type CompleteConfig, composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import { createLoader, defaultAugmentation, readManifest, writeManifestFile } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { complete } from '../../packages/trainer/src/run/complete.ts';
import { buildModel, loadInitialWeights, openTokenizer } from '../../packages/trainer/src/run/network.ts';
import type { Sources } from './sources.ts';
import type { Stamp } from './stamps.ts';

/** Rows of features, one for each stamp. */
export interface Encoded {
  /** The picture as it is, then augmented views as `pnpm train` would show them epoch by epoch. */
  image: Float32Array[];
  /** Its caption, by how it is pooled. */
  text: Record<'cls' | 'mean', Float32Array>;
}

const batchSize = 32;

/** The network with its overrides, ready to train. */
export async function openNetwork(sources: Sources, overrides: readonly string[]) {
  const { config } = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: [
      'model=lite',
      `model.vision.weights=${sources.vision}`,
      `model.text.pretrained_model=${sources.text}`,
      ...overrides,
    ],
  });
  const { config: whole } = await complete(config);
  return { config: whole, model: buildModel(whole) };
}

/** @param views augmented ones of every picture */
export async function encodeStamps(
  stamps: readonly Stamp[],
  {
    folder,
    sources,
    views,
    overrides,
  }: { folder: string; sources: Sources; views: number; overrides: readonly string[] },
): Promise<Encoded> {
  const rows = stamps.map(({ caption, image }) => ({ text_content: caption, image_path: image, label: 0 }));
  await writeManifestFile(path.join(folder, 'all.csv'), rows);
  const encoded: Encoded = { image: [], text: { cls: new Float32Array(), mean: new Float32Array() } };
  for (const pooling of ['cls', 'mean'] as const) {
    const { model, config } = await openNetwork(sources, [...overrides, `model.text.pooling=${pooling}`]);
    await loadInitialWeights(model, config);
    const passes = pooling === 'cls' ? views + 1 : 1;
    for (let pass = 0; pass < passes; pass++) {
      const { vision, text } = await encodeOnce(model, config, { folder, view: pass === 0 ? null : pass - 1 });
      if (pooling === 'cls') encoded.image.push(vision);
      if (pass === 0) encoded.text[pooling] = text;
    }
    model.dispose();
  }
  return encoded;
}

async function encodeOnce(
  model: Model,
  config: CompleteConfig,
  { folder, view }: { folder: string; view: number | null },
) {
  const { samples } = await readManifest({
    file: path.join(folder, 'all.csv'),
    imagesDir: path.join(folder, 'images'),
  });
  const loader = createLoader({
    samples,
    tokenizer: await openTokenizer(config),
    preprocessing: preprocessingOf(config),
    batchSize,
    shuffle: false,
    seed: 1,
    augmentation: view === null ? null : defaultAugmentation,
  });
  const parts: { vision: Float32Array; text: Float32Array }[] = [];
  for await (const batch of loader.batches(view ?? 0)) parts.push(model.encode(batch));
  await loader.close();
  return { vision: concatenate(parts.map(({ vision }) => vision)), text: concatenate(parts.map(({ text }) => text)) };
}

export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
