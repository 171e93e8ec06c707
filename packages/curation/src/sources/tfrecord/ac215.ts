import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type LabelId } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import { makeFolder } from '@crosscheck/files';
import { decodeImage, type Tokenizer } from '@crosscheck/preprocess';
import sharp from 'sharp';
import type { SourcePost } from '../write-source.ts';
import { decodeExample, type Example, encodeExample } from './example.ts';
import { readRecordFile, writeRecordFile } from './record-file.ts';

/** What 1 means in the `label` feature. AC215's own tfrecords.py flips Fakeddit's label, so 1 is fake there. */
export type PositiveClass = 'fake' | 'real';

/**
 * Reads the records of the AC215 system: `image` float32 [S, S, 3] in [0, 1] as bytes, `text_input_word_ids` int64 [L], `label` int64.
 * Words come back from their ids by the vocabulary; case and spacing are those of the uncased tokenizer.
 *
 * @param source a file, or a folder of `*.tfrecord`
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_TFRECORD, CROSSCHECK_DATA_UNEXPECTED_TFRECORD, CROSSCHECK_DATA_BAD_LABEL
 */
export async function readAc215(
  source: string,
  tokenizer: Tokenizer,
  positiveClass: PositiveClass,
): Promise<SourcePost[]> {
  const words = wordsById(tokenizer);
  const posts: SourcePost[] = [];
  for (const file of await listRecordFiles(source)) {
    let record = 0;
    for await (const data of readRecordFile(file)) {
      const where = `${file}, record ${record++}`;
      const example = decodeExample(data, where);
      const label = labelOf(example, where);
      posts.push({
        id: `${path.basename(file, '.tfrecord')}-${record}`,
        line: record,
        text: joinWords(intsOf(example, 'text_input_word_ids', where), words),
        label: (positiveClass === 'fake' ? label : 1 - label) as LabelId,
        picture: await toPicture(example, where),
      });
    }
  }
  return posts;
}

/**
 * Writes posts as the AC215 system reads them: `image` float32 [size, size, 3] in [0, 1] as bytes, `text_input_word_ids`, `text_input_mask`,
 * `text_input_type_ids` int64 [length], `label` int64; one file `tfrecords_<n>.tfrecord` per so many posts.
 */
export async function writeAc215(
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  options: { dir: string; perFile: number; size: number; length: number; positiveClass: PositiveClass },
): Promise<string[]> {
  makeFolder(options.dir);
  const files: string[] = [];
  for (let start = 0; start < samples.length; start += options.perFile) {
    const file = path.join(options.dir, `tfrecords_${start / options.perFile + 1}.tfrecord`);
    await writeRecordFile(file, encodeAll(samples.slice(start, start + options.perFile), tokenizer, options));
    files.push(file);
  }
  return files;
}

async function* encodeAll(
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  { size, length, positiveClass }: { size: number; length: number; positiveClass: PositiveClass },
): AsyncGenerator<Buffer> {
  for (const { text, imagePath, label, file, line } of samples) {
    if (label === null)
      throw new CrosscheckError('CROSSCHECK_DATA_BAD_LABEL', `expected a label of 0 or 1, got none (${file}:${line})`);
    const ids = [...tokenizer.encode(text)].slice(0, length);
    const pixels = await decodeImage(imagePath, { size }); // [size, size, 3]
    const filled = (values: readonly number[]) => ({ ints: Array.from({ length }, (_, i) => values[i] ?? 0) });
    yield encodeExample({
      image: { bytes: [Buffer.from(Float32Array.from(pixels, (value) => value / 255).buffer)] },
      text_input_word_ids: filled(ids),
      text_input_mask: filled(ids.map(() => 1)),
      text_input_type_ids: filled([]),
      label: { ints: [positiveClass === 'fake' ? label : 1 - label] },
    });
  }
}

async function listRecordFiles(source: string): Promise<string[]> {
  const names = await readdir(source).catch(() => null);
  const files = names?.filter((name) => name.endsWith('.tfrecord')).map((name) => path.join(source, name)) ?? [source];
  if (files.length > 0) return files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  throw new CrosscheckError(
    'CROSSCHECK_DATA_NOT_FOUND',
    `expected *.tfrecord files in ${source}, got ${names?.length} others`,
  );
}

function intsOf(example: Example, name: string, where: string): number[] {
  const feature = example[name];
  if (feature && 'ints' in feature) return feature.ints;
  throw unexpected(`an int64 feature "${name}"`, example, where);
}

/** Nothing but one 0 or 1 is a label. */
function labelOf(example: Example, where: string): LabelId {
  const labels = intsOf(example, 'label', where);
  const [label] = labels;
  if (labels.length === 1 && (label === 0 || label === 1)) return label;
  const message = `expected a label of 0 or 1, got ${labels.join(', ') || 'none'} (${where}); leave the record out, or say what it means there`;
  throw new CrosscheckError('CROSSCHECK_DATA_BAD_LABEL', message);
}

/** [S, S, 3] float32 in [0, 1] → PNG. */
async function toPicture(example: Example, where: string): Promise<Buffer> {
  const feature = example.image;
  const bytes = feature && 'bytes' in feature ? feature.bytes[0] : undefined;
  const size = Math.sqrt((bytes?.length ?? 0) / 12);
  if (!bytes || !Number.isInteger(size) || size === 0)
    throw unexpected('"image" as a square of float32 RGB', example, where);
  const values = Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  // What a byte cannot hold would come out as another picture. Resizing overshoots a little.
  if (!values.every((value) => value >= -0.1 && value <= 1.1))
    throw unexpected('"image" with values in [0, 1]', example, where);
  const pixels = Uint8ClampedArray.from(values, (value) => Math.round(value * 255));
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

function unexpected(what: string, example: Example, where: string): CrosscheckError {
  const message = `expected ${what}, got features ${Object.keys(example).join(', ') || 'none'} (${where}); these are no records of that system`;
  return new CrosscheckError('CROSSCHECK_DATA_UNEXPECTED_TFRECORD', message);
}

function wordsById({ json }: Tokenizer): Map<number, string> {
  const { model } = JSON.parse(json) as { model: { vocab: Record<string, number> } };
  return new Map(Object.entries(model.vocab).map(([word, id]) => [id, word]));
}

/** Word pieces joined, special tokens left out. */
function joinWords(ids: readonly number[], words: ReadonlyMap<number, string>): string {
  const pieces = ids
    .map((id) => words.get(id) ?? '[UNK]')
    .filter((word) => !/^\[(PAD|CLS|SEP|unused\d+)\]$/.test(word));
  return pieces
    .join(' ')
    .replaceAll(' ##', '')
    .replace(/ ([.,!?;:%)])/g, '$1');
}
