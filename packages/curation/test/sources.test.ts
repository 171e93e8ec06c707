import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isCrosscheckError } from '@crosscheck/contract';
import { readManifest } from '@crosscheck/data';
import { decodeImage } from '@crosscheck/preprocess';
import { type Finished, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { stringify } from 'csv-stringify/sync';
import { afterAll, describe, expect, test } from 'vitest';
import { crc32c, maskedCrc32c } from '../src/sources/tfrecord/crc32c.ts';
import { decodeExample, encodeExample } from '../src/sources/tfrecord/example.ts';
import { readRecordFile, writeRecordFile } from '../src/sources/tfrecord/record-file.ts';
import { drawPicture } from './fakeddit/picture-host.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const golden = path.join(import.meta.dirname, 'golden/sources');

function folder(name: string): string {
  const made = path.join(dir, name);
  mkdirSync(made, { recursive: true });
  return made;
}

async function runSource(name: string, ...args: string[]): Promise<Finished> {
  return runEntry(`packages/curation/src/bin/${name}.ts`, args);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const labelsOf = async (file: string) => (await readManifest({ file })).samples.map(({ text, label }) => [text, label]);

const posts = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('Hateful Memes', () => {
  test('JSONL over img/: hateful stands where FAKE stands, repeated rows go, unlabelled ones too', async () => {
    const source = folder('memes/img') && path.join(dir, 'memes');
    for (const id of [1, 2, 3, 4]) writeFileSync(path.join(source, `img/${id}.png`), await drawPicture(`meme ${id}`));
    const row = (id: number, label?: number) => ({
      id,
      img: `img/${id}.png`,
      text: `meme ${id}`,
      ...(label !== undefined && { label }),
    });
    writeFileSync(path.join(source, 'train.jsonl'), posts(row(1, 0), row(2, 1), row(2, 1), row(3, 1), row(9, 1)));
    writeFileSync(path.join(source, 'dev_seen.jsonl'), posts(row(3, 1)));
    writeFileSync(path.join(source, 'test.jsonl'), posts(row(4)));
    const { code, stdout } = await runSource('hateful-memes', `source=${source}`, `dir=${source}`);
    expect(code).toBe(0);
    expect(stdout).toContain('left out: 2 duplicate_id, 1 not_found, 1 no_label');
    expect(await labelsOf(path.join(source, 'train.csv'))).toEqual([
      ['meme 1', 0],
      ['meme 2', 1],
    ]);
    expect(await labelsOf(path.join(source, 'val.csv'))).toEqual([['meme 3', 1]]);
  });

  test('the parquet layout, pictures inside, as pyarrow writes it', async () => {
    const source = folder('memes-parquet/data') && path.join(dir, 'memes-parquet');
    copyFileSync(
      path.join(golden, 'train-00000-of-00001.parquet'),
      path.join(source, 'data/train-00000-of-00001.parquet'),
    );
    const { code, stdout } = await runSource('hateful-memes', `source=${source}`, `dir=${source}`);
    expect([code, stdout]).toEqual([0, expect.stringContaining('6 posts, 3 REAL, 3 FAKE')]);
    const { samples } = await readManifest({ file: path.join(source, 'train.csv') });
    // The first row stands there twice; the last one counts.
    const expected = [1, 2, 3, 4, 5, 0].map((i) => [`meme number ${i}`, i % 2, String(100 + i)]);
    expect(samples.map(({ text, label, row }) => [text, label, row.id])).toEqual(expected);
  });

  test('a folder without them, and a broken line, are explained', async () => {
    const nothing = await runSource('hateful-memes', `source=${folder('empty')}`);
    expect(nothing.stderr).toContain('CROSSCHECK_DATA_NOT_FOUND: expected train.jsonl');
    writeFileSync(path.join(folder('torn'), 'train.jsonl'), '{"id":1}\n{"id":2,\n');
    const torn = await runSource('hateful-memes', `source=${folder('torn')}`);
    expect(torn.stderr).toMatch(/CROSSCHECK_DATA_BROKEN_JSON: .*train\.jsonl:2/);
  });
});

test('NewsCLIPpings: the caption of one article over the picture of another, falsified is FAKE', async () => {
  const [news, clippings] = [folder('visual_news/images'), folder('clippings')];
  const articles = await Promise.all(
    [1, 2, 3].map(async (id) => {
      writeFileSync(path.join(news, `${id}.jpg`), await drawPicture(`news ${id}`));
      return { id, caption: `Caption ${id}`, image_path: `./images/${id}.jpg`, topic: 'sports', source: 'bbc' };
    }),
  );
  writeFileSync(path.join(dir, 'visual_news/data.json'), JSON.stringify(articles));
  const annotations = [
    { id: 1, image_id: 1, falsified: false, similarity_score: 0.7 },
    { id: 1, image_id: 2, falsified: true },
    { id: 3, image_id: 77, falsified: true },
  ];
  for (const split of ['train', 'val', 'test']) {
    writeFileSync(
      path.join(clippings, `${split}.json`),
      JSON.stringify({ annotations: split === 'train' ? annotations : [] }),
    );
  }
  const args = [`source=${clippings}`, `articles=${dir}/visual_news/data.json`, `dir=${clippings}`];
  const { code, stdout } = await runSource('newsclippings', ...args);
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 not_found')]);
  const { samples } = await readManifest({ file: path.join(clippings, 'train.csv') });
  expect(samples.map(({ text, label, imagePath }) => [text, label, path.basename(imagePath)])).toEqual([
    ['Caption 1', 0, '1.jpg'],
    ['Caption 1', 1, '2.jpg'],
  ]);
  expect(samples[0]?.row.topic).toBe('sports');
});

test('a plain folder and a CSV: names with or without ending, in subfolders, labels as words or numbers', async () => {
  const images = folder('plain/images/deep');
  for (const name of ['a', 'b', 'c']) writeFileSync(path.join(images, `${name}.jpg`), await drawPicture(name));
  const file = path.join(dir, 'plain/posts.csv');
  const rows = [
    ['One', 'a', 'REAL'],
    ['Two', 'b.jpg', 'fake'],
    ['Three', 'deep/c.jpg', 1],
    ['Four', 'd', 0],
    ['Five', 'a', ''],
  ];
  writeFileSync(file, stringify([['title', 'picture', 'verdict'], ...rows]));
  const columns = ['text_column=title', 'image_column=picture', 'label_column=verdict'];
  const args = [`train=${file}`, `images_dir=${dir}/plain/images`, `dir=${dir}/plain`, ...columns];
  const { stdout } = await runSource('folder', ...args);
  expect(stdout).toContain('left out: 1 not_found, 1 no_label');
  expect(await labelsOf(path.join(dir, 'plain/train.csv'))).toEqual([
    ['One', 0],
    ['Two', 1],
    ['Three', 1],
  ]);
  await runSource('folder', ...args, 'positive_class=real');
  expect(await labelsOf(path.join(dir, 'plain/train.csv'))).toEqual([
    ['One', 0],
    ['Two', 1],
    ['Three', 0],
  ]);
  const wrong = await runSource('folder', `train=${file}`, `images_dir=${dir}/plain/images`, `dir=${dir}/plain`);
  expect(wrong.stderr).toContain('expected column "text_content"');
});

describe('TFRecords of the AC215 system', () => {
  const vocabulary = path.join(import.meta.dirname, '../../preprocess/test/golden/vocab.txt');
  const words = readFileSync(vocabulary, 'utf8')
    .split('\n')
    .filter((word) => /^[a-z]{4,}$/.test(word));

  test('CRC-32C gives the check values of its standard', () => {
    expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283');
    expect(crc32c(Buffer.alloc(32)).toString(16)).toBe('8a9136aa');
    expect(crc32c(Buffer.alloc(32, 0xff)).toString(16)).toBe('62a8ab43');
  });

  test('reads what Python wrote: pixels, word ids, label', async () => {
    const records = await collect(readRecordFile(path.join(golden, 'ac215.tfrecord')));
    const examples = records.map((record) => decodeExample(record));
    expect(examples.map(({ label }) => label)).toEqual([{ ints: [0] }, { ints: [1] }, { ints: [0] }]);
    expect(examples[0]?.text_input_word_ids).toEqual({ ints: [101, 2003, 1037, 3899, 102, 0, 0, 0, 0, 0, 0, 0] });
    const out = folder('records');
    const vocab = path.join(out, 'vocab.txt');
    const lines = Array.from({ length: 4000 }, (_, i) => `word${i}`);
    for (const [id, word] of [
      [0, '[PAD]'],
      [100, '[UNK]'],
      [101, '[CLS]'],
      [102, '[SEP]'],
      [2003, 'is'],
      [1037, 'a'],
      [3899, 'dog'],
      [1029, '?'],
    ] as const)
      lines[id] = word;
    writeFileSync(vocab, lines.join('\n'));
    const { code, stderr } = await runSource('tfrecord', `source=${golden}`, `dir=${out}`, `tokenizer=${vocab}`);
    expect([code, stderr]).toEqual([0, '']);
    const { samples } = await readManifest({ file: path.join(out, 'train.csv') });
    expect(samples.map(({ text, label }) => [text, label])).toEqual([
      ['is a dog', 0],
      ['word2129 word2079 word2017 word2079?', 1],
      ['', 0],
    ]);
    const pixels = await decodeImage(samples[1]?.imagePath as string, { size: 8 });
    expect(Array.from(pixels.slice(0, 6))).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => Math.round(((((n % 3) + Math.floor(n / 3) * 5 + 1) % 17) / 16) * 255)),
    );
    await runSource(
      'tfrecord',
      `source=${golden}/ac215.tfrecord`,
      `dir=${out}`,
      `tokenizer=${vocab}`,
      'positive_class=real',
    );
    expect((await readManifest({ file: path.join(out, 'train.csv') })).samples.map(({ label }) => label)).toEqual([
      1, 0, 1,
    ]);
  });

  test('an example that is read and written again has the same bytes, as does its file', async () => {
    const records = await collect(readRecordFile(path.join(golden, 'ac215.tfrecord')));
    const sorted = (bytes: Buffer) => encodeExample(decodeExample(bytes));
    expect(records.map((bytes) => sorted(bytes).length)).toEqual(records.map(({ length }) => length));
    const copy = path.join(dir, 'copy.tfrecord');
    await writeRecordFile(copy, records);
    expect(readFileSync(copy).equals(readFileSync(path.join(golden, 'ac215.tfrecord')))).toBe(true);
  });

  test('posts written as records come back with the same labels, words and nearly the same pixels', async () => {
    const out = folder('written');
    const text = `${words[10]} ${words[20]} ${words[30]}`;
    for (const n of [0, 1, 2]) writeFileSync(path.join(out, `${n}.jpg`), await drawPicture(`tf ${n}`));
    writeFileSync(
      path.join(out, 'posts.csv'),
      stringify([
        ['text_content', 'image_path', 'label'],
        ...[0, 1, 2].map((n) => [`${text} ${words[40 + n]}`, `${n}.jpg`, n % 2]),
      ]),
    );
    const shared = [`tokenizer=${vocabulary}`, 'length=16'];
    const written = await runSource(
      'tfrecord',
      'action=write',
      `source=${out}/posts.csv`,
      `dir=${out}/records`,
      'image_size=32',
      'per_file=2',
      ...shared,
    );
    expect([written.code, written.stdout]).toEqual([
      0,
      expect.stringMatching(/tfrecords_1\.tfrecord.*tfrecords_2\.tfrecord/),
    ]);
    const read = await runSource('tfrecord', `source=${out}/records`, `dir=${out}/back`, ...shared);
    expect(read.code).toBe(0);
    const { samples } = await readManifest({ file: path.join(out, 'back/train.csv') });
    expect(samples.map(({ text: words_, label }) => [words_, label])).toEqual(
      [0, 1, 2].map((n) => [`${text} ${words[40 + n]}`, n % 2]),
    );
    const [a, b] = [
      await decodeImage(path.join(out, '1.jpg'), { size: 32 }),
      await decodeImage(samples[1]?.imagePath as string, { size: 32 }),
    ];
    expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
  });

  test.each([
    ['a length of -12, which once led back to the start', '0af4ffffffffffffffff01'],
    ['a length beyond the end', '0aff01'],
    ['a number without an end', '0affffffffffffffffffffff01'],
    ['an end within a number', '0a80'],
    ['a number where a message stands', '0801'],
    ['a group, which no example has', '0b0c'],
  ])('%s is a broken record, and nothing waits', (_, hex) => {
    expect(() => decodeExample(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_DATA_BROKEN_TFRECORD' }),
    );
  });

  test('a feature may have any name', () => {
    const example = decodeExample(encodeExample({ ['__proto__']: { ints: [7] } }));
    expect(Object.entries(example)).toEqual([['__proto__', { ints: [7] }]]);
  });

  test('a record that promises more than its file has takes no memory', async () => {
    const header = Buffer.alloc(12);
    header.writeBigUInt64LE(1n << 29n);
    header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
    writeFileSync(path.join(dir, 'promises.tfrecord'), header);
    const before = process.memoryUsage().arrayBuffers;
    const error = await collect(readRecordFile(path.join(dir, 'promises.tfrecord'))).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CROSSCHECK_DATA_BROKEN_TFRECORD' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 24);
  });

  test('a flipped bit and a cut file are found', async () => {
    const bytes = readFileSync(path.join(golden, 'ac215.tfrecord'));
    const errorOf = async (content: Buffer) => {
      writeFileSync(path.join(dir, 'bad.tfrecord'), content);
      return collect(readRecordFile(path.join(dir, 'bad.tfrecord'))).catch((error: unknown) => error);
    };
    const flipped = Buffer.from(bytes);
    flipped[200] = (flipped[200] as number) ^ 1;
    for (const content of [flipped, bytes.subarray(0, -3)]) {
      expect(isCrosscheckError(await errorOf(content), 'CROSSCHECK_DATA_BROKEN_TFRECORD')).toBe(true);
    }
  });
});

describe('videos', () => {
  let hasFfmpeg = true;
  try {
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
  } catch {
    hasFfmpeg = false;
  }

  test.runIf(hasFfmpeg)('give frames at equal distances, all with the caption and the id of the video', async () => {
    const videos = folder('videos/video_001');
    const source = 'testsrc2=duration=4:size=96x64:rate=10';
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', `${videos}/clip.mp4`]);
    writeFileSync(path.join(dir, 'videos/broken.mp4'), 'no video');
    const rows = [
      ['A test pattern', 'video_001', 1],
      ['Broken', 'broken.mp4', 0],
    ];
    writeFileSync(
      path.join(dir, 'videos/posts.csv'),
      stringify([['text_content', 'video_path', 'label', 'id'], ...rows.map((row, i) => [...row, `v${i}`])]),
    );
    const args = [`train=${dir}/videos/posts.csv`, `videos_dir=${dir}/videos`, `dir=${dir}/videos/out`, 'frames=4'];
    const { code, stdout, stderr } = await runSource('video', ...args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('4 posts, 0 REAL, 4 FAKE');
    expect(stdout).toContain('1 not_found');
    const { samples } = await readManifest({ file: path.join(dir, 'videos/out/train.csv') });
    expect(samples.map(({ row }) => [row.video_id, row.seconds])).toEqual(
      ['0.5', '1.5', '2.5', '3.5'].map((at) => ['v0', at]),
    );
    const frames = await Promise.all(samples.map(({ imagePath }) => decodeImage(imagePath, { size: 16 })));
    expect(new Set(frames.map((frame) => frame.join())).size).toBe(4);
  });

  test('without ffmpeg it is said what to install', async () => {
    const entry = 'packages/curation/src/bin/video.ts';
    const { code, stderr } = await runEntry(entry, [`train=${dir}/none.csv`], { env: { PATH: '/nowhere' } });
    expect([code, stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_DATA_FFMPEG_MISSING')]);
    expect(stderr).toContain('apt-get install ffmpeg');
  });
});
