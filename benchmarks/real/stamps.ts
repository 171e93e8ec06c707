// Tux Paint's stamps: photographs and drawings, each with a caption in the first line of its .txt file; the top folder says the kind.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

export interface Stamp {
  /** The picture, relative to the folder of all of them. */
  image: string;
  caption: string;
  kind: string;
}

/** Letters, digits and signs are no pictures of what their captions say. */
const isLeftOut = (kind: string) => kind === 'symbols';
const side = 320;

/**
 * Draws every stamp on white as a JPEG of at most 320 pixels a side. Of stamps with the same caption only the first is taken, so that no caption
 * is true of two and none is in two splits.
 */
export async function drawStamps(source: string, folder: string): Promise<Stamp[]> {
  mkdirSync(folder, { recursive: true });
  const stamps: Stamp[] = [];
  for (const { file, caption, kind } of listStamps(source)) {
    const image = `${kind}-${path.parse(file).name}-${stamps.length}.jpg`;
    const target = path.join(folder, image);
    if (!existsSync(target)) await draw(file, target);
    stamps.push({ image, caption, kind });
  }
  return stamps;
}

async function draw(file: string, target: string): Promise<void> {
  const picture = sharp(file, { density: 144 }).resize(side, side, { fit: 'inside' }).flatten({ background: '#fff' });
  await picture.jpeg({ quality: 90 }).toFile(target);
}

function listStamps(source: string) {
  const texts = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
  const seen = new Set<string>();
  return texts.sort().flatMap((name) => {
    const kind = name.split(path.sep)[0] as string;
    const stem = path.join(source, name.slice(0, -4));
    const file = ['.png', '.svg'].map((end) => stem + end).find(existsSync);
    const caption = readFileSync(`${stem}.txt`, 'utf8').split('\n', 1)[0]?.trim() ?? '';
    const key = caption.toLowerCase();
    if (isLeftOut(kind) || file === undefined || caption === '' || seen.has(key)) return [];
    seen.add(key);
    return [{ file, caption, kind }];
  });
}
