import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { describeFile } from '../src/formats/file-kind.ts';
import { decodeImage, openDecoders, openWithSharp, recognizeImageType, weighImage } from '../src/index.ts';

const folder = path.join(import.meta.dirname, 'golden/heic'); // scripts/golden/heic.py
const read = (name: string) => readFileSync(path.join(folder, name));
const names = readdirSync(folder).filter((name) => !name.endsWith('.png'));
const code = (name: string) => expect.objectContaining({ code: `CROSSCHECK_IMAGE_${name}` });

test.each(names)('%s is what Pillow makes of it', async (name) => {
  const pixels = await decodeImage(read(name), { size: 64 });
  const expected = await sharp(read(`${name}.png`))
    .raw()
    .toBuffer();
  const differences = pixels.map((value, i) => Math.abs(value - (expected[i] as number)));
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  expect(pixels).toHaveLength(expected.length);
  expect(mean).toBeLessThan(name.endsWith('.bmp') ? 0.5 : 1);
});

test('they are recognised by their bytes, also by a later brand', () => {
  for (const name of names) expect(recognizeImageType(read(name))).toBe(name.split('.').at(-1));
  const brands = (text: string) => Buffer.from(`\0\0\0${text}`, 'latin1');
  expect(recognizeImageType(brands('\x18ftypmif1\0\0\0\0mif1heic'))).toBe('heic');
  expect(recognizeImageType(brands('\x18ftypmif1\0\0\0\0mif1avif'))).toBe('avif');
  expect(recognizeImageType(brands('\x18ftypisom\0\0\0\0isommp42'))).toBeNull();
  expect(recognizeImageType(Buffer.from('BM, said the engineer'))).toBeNull();
});

test('limits hold before anything is decoded', async () => {
  for (const name of ['plain.heic', 'true-colour.bmp']) {
    await expect(decodeImage(read(name), { size: 64, maxPixels: 100 })).rejects.toEqual(code('TOO_LARGE'));
    await expect(decodeImage(read(name), { size: 64, minSide: 200 })).rejects.toEqual(code('TOO_SMALL'));
    expect((await weighImage(read(name), { size: 64 })).cost).toBeGreaterThan(24 * 2 ** 20);
  }
  const huge = Buffer.from(read('true-colour.bmp'));
  huge.writeInt32LE(2_000_000_000, 18);
  await expect(decodeImage(huge, { size: 64 })).rejects.toEqual(code('TOO_LARGE'));
});

test('damaged files are refused, not shown in part, and the next one is read', async () => {
  for (const name of ['plain.heic', 'true-colour.bmp', 'palette.bmp']) {
    for (const share of [0.02, 0.3, 0.9]) {
      const cut = read(name).subarray(0, Math.floor(share * read(name).length));
      await expect(decodeImage(cut, { size: 64 })).rejects.toEqual(code('UNREADABLE'));
    }
  }
  expect(await decodeImage(read('plain.heic'), { size: 8 })).toHaveLength(8 * 8 * 3);
});

test('an image that is larger than its file says gets no more memory than that explains', async () => {
  const file = Buffer.from(read('plain.heic'));
  // ispe: version, width, height
  for (let at = file.indexOf('ispe'); at >= 0; at = file.indexOf('ispe', at + 1)) file.writeUInt32BE(12_000, at + 8);
  const result = await decodeImage(file, { size: 64, maxPixels: 40_000_000 }).catch((error: Error) => error.message);
  expect(typeof result === 'string' || result.length === 64 * 64 * 3).toBe(true);
  expect(process.resourceUsage().maxRSS).toBeLessThan(1_500_000);
});

test('processes decode them, and are ended in the middle of one', async () => {
  const decoders = openDecoders({ processes: 2 });
  try {
    for (const name of ['turned.heic', 'bitfields-565.bmp']) {
      const here = await decodeImage(read(name), { size: 64 });
      expect(Buffer.compare(await decoders.decodeWithin(read(name), { size: 64 }), here)).toBe(0);
    }
    const late = decoders.decodeWithin(read('plain.heic'), { size: 64, deadlineMs: 1 });
    await expect(late).rejects.toEqual(code('DEADLINE'));
  } finally {
    decoders.close();
  }
});

test('sharp goes on with their pixels', async () => {
  const { width, height } = await (await openWithSharp(read('turned.heic'))).metadata();
  expect([width, height]).toEqual([110, 150]);
});

test.each([
  ['a PDF', '%PDF-1.7'],
  ['an SVG', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['an SVG', '\n<svg viewBox="0 0 1 1"/>'],
  ['a web page', '<!DOCTYPE html><p>'],
  ['a video', '\0\0\0\x18ftypmp42\0\0\0\0'],
  ['a video', 'RIFF\0\0\0\0AVI LIST'],
  ['a ZIP archive or an Office document', 'PK\x03\x04\x14\0'],
  ['a JPEG XL', '\xff\x0a\xfa'],
  ['JSON', '{"image": 1}'],
  ['plain text', 'these are notes'],
  ['something else', '\x01\x02\x03'],
])('%s is called so', (name, head) => {
  expect(describeFile(Buffer.from(head, 'latin1'))).toBe(name);
});
