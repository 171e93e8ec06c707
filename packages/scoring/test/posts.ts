import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodePng } from '../../exporter/test/tiny-artifact.ts';

/** Writes `count` posts over eight pictures: `posts.csv`, `images/`. Every 50th has no picture. */
export function writePosts(dir: string, count: number): void {
  mkdirSync(`${dir}/images`, { recursive: true });
  for (let i = 0; i < 8; i++)
    writeFileSync(
      `${dir}/images/${i}.png`,
      encodePng(40, 30, (x, y) => [x * 6, y * 8, i * 30]),
    );
  const words = ['flood', 'wildfire', 'snowstorm', 'calm street'];
  const rows = Array.from({ length: count }, (_, i) => {
    const picture = i % 50 === 49 ? 'missing.png' : `${i % 8}.png`;
    return `${i},"a ${words[i % 4]}, ""number"" ${i}",${picture},${i % 2}`;
  });
  writeFileSync(`${dir}/posts.csv`, `id,text_content,image_path,label\n${rows.join('\n')}\n`);
}

/** Numbers to six decimals: the last bits depend on which posts share a batch. */
export function rounded(csv: string): string {
  return csv.replaceAll(/\d\.\d{7,}/g, (text) => Number(text).toFixed(6));
}

export function verdicts(file: string): string[] {
  return rounded(readFileSync(file, 'utf8')).trimEnd().split('\n');
}
