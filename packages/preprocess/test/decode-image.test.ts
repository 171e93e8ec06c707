import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, recognizeImageType } from '../src/index.ts';

const folder = path.join(import.meta.dirname, 'golden/pixels');
const read = (name: string) => readFileSync(path.join(folder, name));
const code = (name: string) => expect.objectContaining({ code: `CROSSCHECK_IMAGE_${name}` });

describe('recognizeImageType', () => {
  it.each([
    ['photo.jpg', 'jpeg'],
    ['alpha.png', 'png'],
    ['lossy.webp', 'webp'],
    ['animated.webp', 'webp'],
    ['animated.gif', 'gif'],
    ['444.avif', 'avif'],
    ['lzw.tif', 'tiff'],
  ])('knows %s by its bytes', (name, type) => {
    expect(recognizeImageType(read(name))).toBe(type);
  });

  it('knows AVIF by a later brand', () => {
    const mif1 = Buffer.from(read('444.avif'));
    mif1.write('mif1', 8, 'latin1');
    expect(recognizeImageType(mif1)).toBe('avif');
  });

  it('refuses everything else', () => {
    const others = [
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      '<?xml?><svg/>',
      '%PDF-1.7',
      'BM',
      'RIFF\0\0\0\0AVI ',
      '',
      '\xff\xd8',
      'GIF88a',
    ];
    for (const text of others) expect(recognizeImageType(Buffer.from(text, 'latin1'))).toBeNull();
  });
});

describe('decodeImage', () => {
  it('reads bytes and paths alike, whatever the file is called', async () => {
    const { dir, remove } = temporaryFolder();
    const file = path.join(dir, 'picture.gif');
    writeFileSync(file, read('photo.jpg'));
    const [fromBytes, fromPath] = [
      await decodeImage(read('photo.jpg'), { size: 32 }),
      await decodeImage(file, { size: 32 }),
    ];
    expect(fromBytes).toHaveLength(32 * 32 * 3);
    expect(Buffer.compare(fromBytes, fromPath)).toBe(0);
    remove();
  });

  it('leaves the bytes that it was given alone', async () => {
    for (const name of ['same-size.png', '444.avif', 'photo.jpg']) {
      const bytes = read(name);
      await decodeImage(bytes, { size: 80 });
      expect(Buffer.compare(bytes, read(name))).toBe(0);
    }
  });

  it('opens animated AVIF, whose first brand is another', async () => {
    const avis = Buffer.from(read('444.avif'));
    avis.write('avis', 8, 'latin1');
    expect(
      Buffer.compare(await decodeImage(avis, { size: 64 }), await decodeImage(read('444.avif'), { size: 64 })),
    ).toBe(0);
  });

  it('keeps 16-bit greyscale pictures visible: the high byte counts', async () => {
    const grey = await sharp(read('grey.jpg')).toColourspace('grey16').png().toBuffer();
    const plain = await sharp(read('grey.jpg')).png().toBuffer();
    expect((await sharp(grey).metadata()).depth).toBe('ushort');
    expect(Buffer.compare(await decodeImage(grey, { size: 64 }), await decodeImage(plain, { size: 64 }))).toBe(0);
  });

  it('gives the same pixels again and side by side', async () => {
    const first = await decodeImage(read('photo.jpg'), { size: 64 });
    const more = await Promise.all(Array.from({ length: 12 }, () => decodeImage(read('photo.jpg'), { size: 64 })));
    for (const pixels of more) expect(Buffer.compare(pixels, first)).toBe(0);
  });

  it('refuses other types, in content rather than in name', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(decodeImage(svg, { size: 8, name: 'photo.jpg' })).rejects.toEqual(code('UNSUPPORTED'));
    await expect(decodeImage(svg, { size: 8, name: 'photo.jpg' })).rejects.toThrow('photo.jpg');
  });

  it.each([
    'photo.jpg',
    'progressive-444.jpg',
    'alpha.png',
    'lossy.webp',
    'lossless.webp',
    'transparent.gif',
    '444.avif',
    'lzw.tif',
  ])('calls a truncated %s unreadable and says its name', async (name) => {
    const bytes = read(name);
    for (const part of [0.3, 0.6]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * part));
      const failure = decodeImage(cut, { size: 64, name: `uploads/${name}` });
      await expect(failure).rejects.toEqual(code('UNREADABLE'));
      await expect(failure).rejects.toThrow(`uploads/${name}`);
    }
  });

  it('calls an empty file, a missing file, a folder and a mere header unreadable', async () => {
    const { dir, remove } = temporaryFolder();
    mkdirSync(path.join(dir, 'folder.jpg'));
    const missing = path.join(dir, 'missing.jpg');
    await expect(decodeImage(missing, { size: 8 })).rejects.toEqual(code('UNREADABLE'));
    await expect(decodeImage(missing, { size: 8 })).rejects.toThrow(missing);
    await expect(decodeImage(path.join(dir, 'folder.jpg'), { size: 8 })).rejects.toEqual(code('UNREADABLE'));
    await expect(decodeImage(Buffer.alloc(0), { size: 8 })).rejects.toEqual(code('UNREADABLE'));
    await expect(decodeImage(Buffer.from([0xff, 0xd8, 0xff]), { size: 8 })).rejects.toEqual(code('UNREADABLE'));
    remove();
  });

  it('refuses pictures above the limit before decoding them', async () => {
    await expect(decodeImage(read('photo.jpg'), { size: 8, maxPixels: 640 * 480 - 1 })).rejects.toEqual(
      code('TOO_LARGE'),
    );
    await expect(decodeImage(read('photo.jpg'), { size: 8, maxPixels: 640 * 480 })).resolves.toHaveLength(192);
    const bomb = await sharp({ create: { width: 8000, height: 5001, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(decodeImage(bomb, { size: 8 })).rejects.toThrow('8000×5001');
    const strip = await sharp({ create: { width: 70_000, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(decodeImage(strip, { size: 8 })).rejects.toEqual(code('TOO_LARGE'));
  });

  it('never throws anything but its own errors on damaged files', async () => {
    const names = [
      'photo.jpg',
      'palette-alpha.png',
      'alpha.webp',
      'transparent.gif',
      'alpha.avif',
      'jpeg.tif',
      'cmyk.tif',
    ];
    const outcomes = new Set<unknown>();
    for (let seed = 0; seed < names.length * 12; seed++) {
      const bytes = Buffer.from(read(names[seed % names.length] as string));
      for (let k = 0; k < 6; k++)
        bytes[((seed + 1) * 7919 + k * k * 104_729) % bytes.length] = (seed * 31 + k * 17) & 255;
      const decoded = decodeImage(bytes, { size: 16 }).then((pixels) => pixels.length);
      outcomes.add(await decoded.catch((error: { code?: string }) => error.code ?? error));
    }
    const own = ['CROSSCHECK_IMAGE_UNREADABLE', 'CROSSCHECK_IMAGE_UNSUPPORTED', 'CROSSCHECK_IMAGE_TOO_LARGE'];
    expect(outcomes).toContain(768);
    expect(outcomes).toContain('CROSSCHECK_IMAGE_UNREADABLE');
    expect([...outcomes].filter((outcome) => outcome !== 768 && !own.includes(outcome as string))).toEqual([]);
  });
});
