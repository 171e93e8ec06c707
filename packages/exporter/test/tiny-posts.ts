import { mkdirSync, writeFileSync } from 'node:fs';
import { createRandom } from '@crosscheck/contract';
import type { ComparedPost } from '../src/index.ts';
import { encodePng } from './tiny-artifact.ts';

/** Writes `<dir>/<split>.csv`, 20 posts with noisy pictures of a hue each, and returns them. */
export function writePosts(dir: string, split: string): ComparedPost[] {
  mkdirSync(`${dir}/${split}`, { recursive: true });
  const rows = Array.from({ length: 20 }, (_, i): ComparedPost => {
    const random = createRandom(split, i);
    const hue = [random.int(200), random.int(200), random.int(200)];
    const image = `${dir}/${split}/${i}.png`;
    const pixel = () => hue.map((value) => value + random.int(56)) as [number, number, number];
    writeFileSync(image, encodePng(40, 30, pixel));
    return { text: 'a flood in the city '.repeat(1 + (i % 4)), image, label: (i % 2) as 0 | 1 };
  });
  const lines = rows.map(({ text, label }, i) => `${text},${i}.png,${label}`);
  writeFileSync(`${dir}/${split}.csv`, `text_content,image_path,label\n${lines.join('\n')}\n`);
  return rows;
}
