// What decoding takes at its peak, by format: `pnpm bench:decode-memory`. Each picture is decoded in a process of its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage, weighImage } from '@crosscheck/preprocess';
import sharp, { type Sharp } from 'sharp';

const size = 224;

type Encode = (picture: Sharp) => Sharp;
const forms: Record<string, Encode> = {
  'JPEG, baseline': (picture) => picture.jpeg(),
  'JPEG, progressive': (picture) => picture.jpeg({ progressive: true }),
  'JPEG, progressive, 4:4:4': (picture) => picture.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  'JPEG, CMYK': (picture) => picture.toColourspace('cmyk').jpeg(),
  PNG: (picture) => picture.png({ compressionLevel: 1 }),
  'PNG, alpha': (picture) => picture.ensureAlpha(0.5).png({ compressionLevel: 1 }),
  'PNG, interlaced': (picture) => picture.png({ compressionLevel: 1, progressive: true }),
  'PNG, 16 bits': (picture) => picture.toColourspace('rgb16').png({ compressionLevel: 1 }),
  'WebP, lossy': (picture) => picture.webp({ effort: 0 }),
  'WebP, lossless, alpha': (picture) => picture.ensureAlpha(0.5).webp({ lossless: true, effort: 0 }),
  GIF: (picture) => picture.gif({ effort: 1 }),
  'AVIF, 4:2:0': (picture) => picture.avif({ effort: 0, chromaSubsampling: '4:2:0' }),
  'AVIF, 4:4:4': (picture) => picture.avif({ effort: 0 }),
  'TIFF, deflate': (picture) => picture.tiff({ compression: 'deflate' }),
  'TIFF, tiles': (picture) => picture.tiff({ compression: 'lzw', tile: true }),
};

/** A side below 6 megapixels, and one at the limit of 40. */
const sides = [2400, 6300];

/** The largest resident set of this process so far, in bytes. */
const peak = () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

async function measureHere(file: string): Promise<void> {
  const small = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } })
    .jpeg({ progressive: true })
    .toBuffer();
  await decodeImage(small, { size }); // everything is loaded
  const { cost } = await weighImage(file, { size });
  const before = peak();
  await decodeImage(file, { size });
  process.stdout.write(JSON.stringify({ bytes: peak() - before, cost }));
}

/** Decodes in another process. */
function measure(file: string): { bytes: number; cost: number } {
  const command = [...process.execArgv, import.meta.filename, file];
  return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' })) as { bytes: number; cost: number };
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

async function measureAll(folder: string): Promise<void> {
  process.stdout.write('| format | megapixels | peak, MB | bytes a pixel | counted, MB |\n|---|---|---|---|---|\n');
  for (const [form, encode] of Object.entries(forms)) {
    for (const side of sides) {
      const file = path.join(folder, 'picture');
      const create = { width: side, height: side, channels: 3 as const, background: '#3a7bd5' };
      writeFileSync(file, await encode(sharp({ create, limitInputPixels: false })).toBuffer());
      const { bytes, cost } = measure(file);
      const row = [
        form,
        ((side * side) / 1e6).toFixed(1),
        megabytes(bytes),
        (bytes / side / side).toFixed(1),
        megabytes(cost),
      ];
      process.stdout.write(`| ${row.join(' | ')} |\n`);
    }
  }
}

const [given] = process.argv.slice(2);
if (given !== undefined) await measureHere(given);
else {
  const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-memory-'));
  try {
    await measureAll(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
