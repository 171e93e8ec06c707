import { readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
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

/** Behind the first bytes of a picture, the same part again and again. */
const repeat = (part: Buffer, times: number) => Buffer.concat(Array.from({ length: times }, () => part));
const insert = (file: Buffer, at: number, part: Buffer) =>
  Buffer.concat([file.subarray(0, at), part, file.subarray(at)]);

const plain = (side: number) => sharp({ create: { width: side, height: side, channels: 3, background: 'red' } });

function pngChunk(type: string, contents: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + contents.length);
  chunk.writeUInt32BE(contents.length, 0);
  chunk.write(type, 4, 'latin1');
  contents.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}
const behindPngHeader = 33;

function webpChunk(type: string, contents: Buffer): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`, 'latin1');
  head.writeUInt32LE(contents.length, 4);
  return Buffer.concat([head, contents, Buffer.alloc(contents.length % 2)]);
}

/** An animation of one pixel. */
async function animatedWebp(frames: number): Promise<Buffer> {
  const still = await plain(1).webp({ lossless: true }).toBuffer();
  const animation = webpChunk('VP8X', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  const frame = webpChunk('ANMF', Buffer.concat([Buffer.alloc(16), still.subarray(12)]));
  return webpChunk(
    'RIFF',
    Buffer.concat([Buffer.from('WEBP'), animation, webpChunk('ANIM', Buffer.alloc(6)), repeat(frame, frames)]),
  );
}

/** Of one frame on a canvas of 8×8, `frames` times. */
async function animatedGif(frames: number): Promise<Buffer> {
  const still = await plain(8).gif().toBuffer();
  const frame = still.indexOf(0x2c, 13 + 3 * 2 ** ((still[10]! & 7) + 1));
  return Buffer.concat([still.subarray(0, -1), repeat(still.subarray(frame, -1), frames - 1), Buffer.from([0x3b])]);
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

  it('a WebP of thousands of frames, each of which libwebp looks for from the first one on', async () => {
    await expect(weighImage(await animatedWebp(20_000), { size: 8 })).rejects.toThrow('parts up to 10000, got 10001');
    expect(await decodeImage(await animatedWebp(2000), { size: 8 })).toHaveLength(8 * 8 * 3);
  });

  it('a GIF of thousands of frames', async () => {
    await expect(weighImage(await animatedGif(10_001), { size: 8 })).rejects.toThrow('parts up to 10000, got 10001');
    expect(await decodeImage(await animatedGif(2000), { size: 8 })).toHaveLength(8 * 8 * 3);
  });

  it('a PNG of thousands of chunks, unless they hold its pixels', async () => {
    const file = await plain(8).png().toBuffer();
    const many = insert(file, behindPngHeader, repeat(pngChunk('tEXt', Buffer.from('a\0b')), 10_001));
    await expect(weighImage(many, { size: 8 })).rejects.toThrow('parts up to 10000, got 10001');
    const pixels = file.indexOf('IDAT') - 4;
    const pieces = insert(file, pixels, repeat(pngChunk('IDAT', Buffer.alloc(0)), 20_000));
    expect(await decodeImage(pieces, { size: 8 })).toHaveLength(8 * 8 * 3);
  });

  it.each(['zTXt', 'iTXt'])('a PNG whose compressed text (%s) becomes gigabytes', async (type) => {
    const file = await plain(8).png().toBuffer();
    const flags = type === 'iTXt' ? 'a\0\x01\0\0\0' : 'a\0\0';
    const text = Buffer.concat([Buffer.from(flags, 'latin1'), deflateSync(Buffer.alloc(7_000_000), { level: 9 })]);
    const bomb = insert(file, behindPngHeader, repeat(pngChunk(type, text), 50));
    await expect(weighImage(bomb, { size: 8 })).rejects.toThrow(/compressedText up to 262144, got 3\d+/);
    const words = pngChunk('iTXt', Buffer.concat([Buffer.from('a\0\0\0\0\0', 'latin1'), Buffer.alloc(300_000, 'x')]));
    expect(await decodeImage(insert(file, behindPngHeader, words), { size: 8 })).toHaveLength(8 * 8 * 3);
  });

  it('a JPEG of thousands of segments', async () => {
    const file = await plain(8).jpeg({ progressive: true }).toBuffer();
    const comment = Buffer.from([0xff, 0xfe, 0, 3, 65]);
    await expect(weighImage(insert(file, 2, repeat(comment, 10_001)), { size: 8 })).rejects.toThrow(
      'parts up to 10000',
    );
    expect(await decodeImage(insert(file, 2, repeat(comment, 2000)), { size: 8 })).toHaveLength(8 * 8 * 3);
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
