import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkWork, workLimits } from '../../src/decoders/work-limits.ts';
import { decodeImage, openImage, weighImage } from '../../src/index.ts';

const golden = (file: string) => readFileSync(path.join(import.meta.dirname, '../golden/pixels', file));
const tooComplex = expect.objectContaining({ code: 'CROSSCHECK_IMAGE_TOO_COMPLEX' });

/** A progressive JPEG whose last scan stands there again and again: a few bytes each time, and a pass over the picture. */
async function manyScans(side: number, times: number): Promise<Buffer> {
  const create = { width: side, height: side, channels: 3 as const, background: '#0a141e' };
  const file = await sharp({ create }).jpeg({ progressive: true, quality: 50 }).toBuffer();
  const last = file.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scan = file.subarray(last, -2);
  return Buffer.concat([file.subarray(0, last), ...Array.from({ length: times }, () => scan), file.subarray(-2)]);
}

/** Directories of nothing, each with the place of the next. */
function longTiff(directories: number): Buffer {
  const file = Buffer.alloc(8 + 6 * directories);
  file.write('II*\0', 'latin1');
  for (let i = 0, at = 4; i < directories; i++, at = 8 + 6 * (i - 1) + 2) file.writeUInt32LE(8 + 6 * i, at);
  return file;
}

describe('a file that asks for more work than its size says is refused before anything decodes it', () => {
  it('a JPEG of a thousand scans', async () => {
    const file = await manyScans(300, 1000);
    await expect(decodeImage(file, { size: 8, name: 'upload' })).rejects.toEqual(tooComplex);
    await expect(weighImage(file, { size: 8 })).rejects.toThrow(/scans up to 100, got 10\d\d \(image\)/);
    expect((await openImage(file, { size: 8 })).isDirect).toBe(false);
  });

  it('a JPEG of a thousand scans whose comment looks like its end', async () => {
    const file = await manyScans(300, 1000);
    const comment = Buffer.from([0xff, 0xfe, 0, 4, 0xff, 0xd9]);
    const disguised = Buffer.concat([file.subarray(0, 2), comment, file.subarray(2)]);
    await expect(decodeImage(disguised, { size: 8 })).rejects.toEqual(tooComplex);
  });

  it('a large JPEG of fewer scans', async () => {
    const file = await manyScans(4000, 60);
    await expect(decodeImage(file, { size: 8 })).rejects.toThrow('scannedPixels up to 1000000000');
  });

  it.each([1001, 100_000])('a TIFF of %i directories, which nobody walks to the end', async (directories) => {
    await expect(decodeImage(longTiff(directories), { size: 8 })).rejects.toThrow('directories up to 1000, got 1001');
  });

  it('a TIFF whose directories go round in a circle', async () => {
    const file = longTiff(3);
    file.writeUInt32LE(8, 8 + 6 * 2 + 2);
    await expect(decodeImage(file, { size: 8 })).rejects.toEqual(tooComplex);
  });

  it('an AVIF that announces thousands of items', async () => {
    const file = Buffer.from(golden('444.avif'));
    const list = file.indexOf('iinf', 0, 'latin1');
    expect(list).toBeGreaterThan(0);
    file.writeUInt16BE(5000, list + 8);
    await expect(decodeImage(file, { size: 8 })).rejects.toThrow('items up to 1000, got 5000');
  });

  it('a picture of hundreds of channels', () => {
    const check = (channels: number) => () =>
      checkWork({ bytes: Buffer.alloc(0), type: 'tiff', name: 'scan.tif' }, { width: 9, height: 9, channels });
    expect(check(workLimits.channels)).not.toThrow();
    expect(check(300)).toThrow('channels up to 8, got 300 (scan.tif)');
  });
});

it('pictures as tools and cameras write them are decoded', async () => {
  for (const file of ['progressive-444.jpg', 'large-3000x2100.jpg', 'cmyk.jpg', 'pages.tif', 'alpha.avif', '420.avif'])
    expect(await decodeImage(golden(file), { size: 16 })).toHaveLength(16 * 16 * 3);
});
