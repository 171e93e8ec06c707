import { createHash } from 'node:crypto';
import type { Sample } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { sha256Of } from '@crosscheck/files';
import { readImageFile } from '@crosscheck/preprocess';

/** Counts up whenever the same model and posts may give other features than before. */
const featureVersion = 1;

/** sha256 over names and values of both backbones, running statistics included. */
export const digestBackbones = (model: Weights): string =>
  digestWeights(model, (name) => name.includes('_branch.backbone.'));

type Weights = Pick<Model, 'variables' | 'buffers'>;

/** sha256 over names and values of weights and running statistics. */
export function digestWeights(
  { variables, buffers }: Weights,
  isMeant: (name: string) => boolean = () => true,
): string {
  const hash = createHash('sha256');
  for (const [name, variable] of [...variables, ...buffers]) {
    if (!isMeant(name)) continue;
    const { buffer, byteOffset, byteLength } = variable.dataSync();
    hash.update(`${name} ${variable.shape.join()}\n`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

/** sha256 over the words and the pictures' files of posts, in their order. */
export async function digestPosts(samples: readonly Sample[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { text, label, imagePath } of samples) {
    const picture = imagePath === '' ? null : await readImageFile(imagePath).catch(() => null);
    const digest = picture && sha256Of(picture);
    hash.update(`${JSON.stringify([text, label, digest])}\n`);
  }
  return hash.digest('hex');
}

/** Names features by everything that decides their bits. */
export function featureKey(decidedBy: object): string {
  return sha256Of(JSON.stringify([featureVersion, decidedBy]));
}
