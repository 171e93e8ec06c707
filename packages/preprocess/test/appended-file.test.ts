import { readdirSync, readFileSync } from 'node:fs';
import { createRandom } from '@crosscheck/contract';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { findAppendedFile } from '../src/image/appended-file.ts';
import { findImageEnd } from '../src/image/image-end.ts';
import { decodeImage, type ImageType, recognizeImageType } from '../src/index.ts';

const pixels = Buffer.from(Array.from({ length: 3 * 90 * 70 }, (_, i) => (i * 37) % 256));
const raw = () => sharp(pixels, { raw: { width: 90, height: 70, channels: 3 } });
const frames = sharp(Buffer.concat([pixels, pixels]), { raw: { width: 90, height: 140, channels: 3, pageHeight: 70 } });
const pictures: [string, Buffer][] = [
  ['a JPEG', await raw().jpeg().toBuffer()],
  ['a progressive JPEG with a profile', await raw().jpeg({ progressive: true }).withIccProfile('p3').toBuffer()],
  [
    'a JPEG with EXIF',
    await raw()
      .jpeg({ quality: 100 })
      .withExif({ IFD0: { Copyright: '\xff\xd9 PK' } })
      .toBuffer(),
  ],
  ['a PNG', await raw().png().toBuffer()],
  ['an interlaced PNG with a palette', await raw().png({ palette: true, progressive: true }).toBuffer()],
  ['a GIF', await raw().gif().toBuffer()],
  ['an animation', await frames.gif({ delay: [100, 100] }).toBuffer()],
  ['a WebP', await raw().webp().toBuffer()],
  ['a lossless WebP', await raw().webp({ lossless: true }).toBuffer()],
  ['an AVIF', await raw().avif().toBuffer()],
];

const typeOf = (bytes: Buffer) => recognizeImageType(bytes) as ImageType;
const behind = (bytes: Buffer, appended: string | Buffer) =>
  findAppendedFile(Buffer.concat([bytes, Buffer.from(appended as string, 'latin1')]), typeOf(bytes));

test.each(pictures)('%s ends where its file ends, whatever follows', (_, bytes) => {
  expect(findImageEnd(bytes, typeOf(bytes))).toBe(bytes.length);
  expect(findImageEnd(Buffer.concat([bytes, Buffer.from('PK\x03\x04 trailer')]), typeOf(bytes))).toBe(bytes.length);
  expect(findAppendedFile(bytes, typeOf(bytes))).toBeNull();
});

test.each([
  ['PK\x03\x04\x14\0\0\0', 'ZIP archive'],
  [`${'note '.repeat(500)}PK\x05\x06${'\0'.repeat(18)}`, 'ZIP archive'],
  ['\r\n%PDF-1.7\n', 'PDF'],
  ['<!DOCTYPE html><title>', 'HTML page or script'],
  ['\0\0<ScRiPt>alert(1)</script>', 'HTML page or script'],
  ['<?php system($_GET[0]);', 'HTML page or script'],
  ['<svg xmlns=', 'HTML page or script'],
  ['#!/bin/sh\n', 'script'],
  ['MZ\x90\0', 'program'],
  ['\x7fELF\x02', 'program'],
  ['Rar!\x1a\x07', 'archive'],
  ['\x1f\x8b\x08\0', 'archive'],
])('bytes behind a picture of any kind can be a file (%#)', (appended, name) => {
  for (const [, bytes] of pictures) expect(behind(bytes, appended)).toBe(name);
});

test('what cameras and programs append is no file of another kind', () => {
  const [, preview] = pictures[0] as [string, Buffer];
  const video = `\0\0\0\x18ftypmp42\0\0\0\0isommp42${'\x01mdat'.repeat(400)}`;
  const trailers: (string | Buffer)[] = ['\0'.repeat(3000), '\r\n', preview, video, 'SEFH\x6b\0\0\0SEFT', 'a note'];
  for (const [, bytes] of pictures) for (const trailer of trailers) expect(behind(bytes, trailer)).toBeNull();
});

test('a picture that is cut or damaged has no end or some end, and never holds the search up', () => {
  const random = createRandom(5, 'image ends');
  for (const [, bytes] of pictures) {
    for (let i = 0; i < 60; i++) {
      const damaged = Buffer.from(bytes.subarray(0, 20 + random.int(bytes.length - 20)));
      for (let k = 0; k < 4; k++) damaged[12 + random.int(damaged.length - 12)] = random.int(3) * 127;
      expect(findImageEnd(damaged, typeOf(bytes)) ?? 0).toBeLessThanOrEqual(damaged.length);
    }
  }
});

test('pictures of the repository are single files', () => {
  const folder = new URL('./golden/pixels/', import.meta.url);
  const names = readdirSync(folder).filter((name) => /\.(jpg|png|gif|webp|avif)$/.test(name));
  for (const name of names) {
    const bytes = readFileSync(new URL(name, folder));
    expect([name, findAppendedFile(bytes, typeOf(bytes))]).toEqual([name, null]);
  }
  expect(names.length).toBeGreaterThan(5);
});

test('decodeImage refuses an appended file and a small side only when asked to', async () => {
  const file = Buffer.concat([(pictures[0] as [string, Buffer])[1], Buffer.from('PK\x03\x04')]);
  await expect(decodeImage(file, { size: 8 })).resolves.toHaveLength(192);
  await expect(decodeImage(file, { size: 8, refuseAppended: true })).rejects.toMatchObject({
    code: 'CROSSCHECK_IMAGE_POLYGLOT',
    message: expect.stringContaining('JPEG with a ZIP archive'),
  });
  const bytes = (pictures[3] as [string, Buffer])[1];
  await expect(decodeImage(bytes, { size: 8, minSide: 70 })).resolves.toHaveLength(192);
  await expect(decodeImage(bytes, { size: 8, minSide: 71 })).rejects.toMatchObject({
    code: 'CROSSCHECK_IMAGE_TOO_SMALL',
    message: expect.stringContaining('90×70'),
  });
});
