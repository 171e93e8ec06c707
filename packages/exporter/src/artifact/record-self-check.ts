import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Artifact, artifactFiles } from '@crosscheck/contract';
import { openClassifier, type Prediction } from '@crosscheck/inference';
import { encodePng } from '../parity/encode-png.ts';

const text = 'A flood in the city, 2024';
const [width, height] = [48, 36];
/** Slopes of a colour each, so that turning, cropping and swapping channels show. */
const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
  return [5 * x, 7 * y, 2 * (x + y)][i % 3] as number;
});

/**
 * Lets a finished artifact folder judge a fixed post and writes post and logit into its `artifact.json`, for whoever serves it to compare.
 *
 * @throws what `openClassifier` and `classify` throw
 */
export async function recordSelfCheck(dir: string): Promise<Artifact> {
  const image = Buffer.from(encodePng(pixels, width));
  const classifier = await openClassifier(dir, { workers: 1, threadsPerWorker: 1, verifyHashes: false });
  try {
    const [{ logit }] = (await classifier.classify([{ text, image }])) as [Prediction];
    const artifact = { ...classifier.artifact, selfCheck: { text, image: image.toString('base64'), logit } };
    await writeFile(path.join(dir, artifactFiles.manifest), `${JSON.stringify(artifact, null, 2)}\n`);
    return artifact;
  } finally {
    await classifier.close();
  }
}
