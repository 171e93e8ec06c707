import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { type Sample } from '@crosscheck/data';
import { renderScene, type SceneKind, sceneKinds } from '@crosscheck/demo';

/** Longer sides of the pictures in turn: previews, posts and photographs as news posts carry them. */
const longerSides = [320, 640, 1024] as const;

/** Draws pictures of all kinds and sizes into a folder. @returns the samples and the mean size of their files */
export async function drawPictures(folder: string, count: number): Promise<{ samples: Sample[]; meanBytes: number }> {
  mkdirSync(folder, { recursive: true });
  const samples: Sample[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const kind = sceneKinds[i % sceneKinds.length] as SceneKind;
    const picture = await renderScene(kind, createRandom('benchmark', i), longerSides[i % longerSides.length]);
    const imagePath = path.join(folder, `${i}.jpg`);
    writeFileSync(imagePath, picture);
    bytes += picture.length;
    samples.push({ text: 'a post', imagePath, label: i % 2 === 0 ? 0 : 1, file: 'posts.csv', line: i + 2, row: {} });
  }
  return { samples, meanBytes: bytes / count };
}
