import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { defaultPreprocessing } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { openImageReader } from '../src/loader/load-images.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const [short, long] = [3, 4];

/** The header of a TIFF of four channels of 16 bits, without the pixels that it announces. */
function writeTiffHeader(file: string, side: number): void {
  const bitsAt = 8 + 2 + 12 * 9 + 4;
  const entries = [
    [256, long, 1, side],
    [257, long, 1, side],
    [258, short, 4, bitsAt],
    [259, short, 1, 1], // not compressed
    [262, short, 1, 2], // RGB
    [273, long, 1, bitsAt + 8],
    [277, short, 1, 4],
    [278, long, 1, side],
    [279, long, 1, 8 * side * side],
  ] as const;
  const bytes = Buffer.alloc(bitsAt + 8, 16);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(entries.length, 8);
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const at = 10 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(count, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  for (let i = 0; i < 4; i++) bytes.writeUInt16LE(16, bitsAt + 2 * i);
  writeFileSync(file, bytes);
}

it('an image that takes more memory than all may is a failure of its own, and the others are loaded', async () => {
  const files = ['large.tif', 'small.png'].map((name) => path.join(dir, name)) as [string, string];
  writeTiffHeader(files[0], 6300);
  await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } }).toFile(files[1]);
  const preprocessing = { ...defaultPreprocessing, imageSize: 8 };
  const read = openImageReader({ preprocessing, augmentation: null, seed: 1, maxPixels: undefined, pixelCache: null });
  const loaded = await read({ epoch: 0, images: files.map((file, index) => ({ index, path: file })) });
  expect(loaded.positions).toEqual([1]);
  expect(loaded.failures).toEqual([
    { position: 0, code: 'CROSSCHECK_IMAGE_OVER_BUDGET', message: expect.stringContaining('decodes in 896 MiB') },
  ]);
});
