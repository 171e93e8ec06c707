// What both backbones make of every stamp and its caption: computed once, kept on disk, read by all trainings of the heads.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CompleteConfig, composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import { createLoader, defaultAugmentation, readManifest, writeManifestFile } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { cacheFolder } from '@crosscheck/files';
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

interface EncodeOptions {
  /** Holds the pictures in `images`. */
  folder: string;
  sources: Sources;
  /** Augmented ones of every picture. */
  views: number;
  overrides: readonly string[];
  say: (line: string) => void;
}

/** Passes of the backbones over all stamps, each kept under its own name. */
export async function encodeStamps(stamps: readonly Stamp[], options: EncodeOptions): Promise<Encoded> {
  const { folder, sources, views, overrides, say } = options;
  const rows = stamps.map(({ caption, image }) => ({ text_content: caption, image_path: image, label: 0 }));
  await writeManifestFile(path.join(folder, 'all.csv'), rows);
  const kept = keepIn(cacheFolder('real-bench-features'), { stamps, overrides, defaultAugmentation });
  const encoded: Encoded = { image: [], text: { cls: new Float32Array(), mean: new Float32Array() } };
  for (const pooling of ['cls', 'mean'] as const) {
    const open = once(async () => {
      const network = await openNetwork(sources, [...overrides, `model.text.pooling=${pooling}`]);
      await loadInitialWeights(network.model, network.config);
      return network;
    });
    const passes = pooling === 'cls' ? views + 1 : 1;
    for (let pass = 0; pass < passes; pass++) {
      const { vision, text } = await kept(`${pooling}-${pass}`, async () => {
        say(`encoding ${pooling} ${pass}`);
        const { model, config } = await open();
        return encodeOnce(model, config, { folder, view: pass === 0 ? null : pass - 1 });
      });
      if (pooling === 'cls') encoded.image.push(vision);
      if (pass === 0) encoded.text[pooling] = text;
    }
    (await open.made())?.model.dispose();
  }
  return encoded;
}

/** A value that is made when it is first asked for. */
function once<T>(make: () => Promise<T>): (() => Promise<T>) & { made: () => Promise<T> | null } {
  let value: Promise<T> | null = null;
  return Object.assign(() => (value ??= make()), { made: () => value });
}

interface Pass {
  vision: Float32Array;
  text: Float32Array;
}

type Keep = (name: string, make: () => Promise<Pass>) => Promise<Pass>;

/** @param decidedBy names the folder, so that other stamps or weights have another one */
function keepIn(root: string, decidedBy: object): Keep {
  const folder = path.join(root, createHash('sha256').update(JSON.stringify(decidedBy)).digest('hex').slice(0, 16));
  mkdirSync(folder, { recursive: true });
  return async (name, make) => {
    const files = { vision: path.join(folder, `${name}-vision.f32`), text: path.join(folder, `${name}-text.f32`) };
    if (!existsSync(files.vision)) {
      const pass = await make();
      for (const part of ['text', 'vision'] as const) {
        writeFileSync(`${files[part]}.part`, pass[part]);
        renameSync(`${files[part]}.part`, files[part]);
      }
    }
    return { vision: readFloats(files.vision), text: readFloats(files.text) };
  };
}

function readFloats(file: string): Float32Array {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

async function encodeOnce(
  model: Model,
  config: CompleteConfig,
  { folder, view }: { folder: string; view: number | null },
): Promise<Pass> {
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
  const parts: Pass[] = [];
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
