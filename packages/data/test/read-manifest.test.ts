import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isCrosscheckError } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { type ManifestOptions, readManifest } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);
mkdirSync(path.join(dir, 'images'));
for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) writeFileSync(path.join(dir, name), 'not looked into here');
writeFileSync(path.join(dir, 'images/a.jpg'), 'not looked into here');
writeFileSync(path.join(dir, 'empty.jpg'), '');

let files = 0;
function write(content: string | Uint8Array, extension = 'csv'): string {
  const file = path.join(dir, `posts-${files++}.${extension}`);
  writeFileSync(file, content);
  return file;
}

function read(content: string | Uint8Array, options: Partial<ManifestOptions> = {}) {
  return readManifest({ file: write(content), ...options });
}

async function errorOf(reading: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await reading.then(
    () => new Error('expected an error, got none'),
    (thrown: unknown) => thrown,
  );
  if (!isCrosscheckError(error)) throw error;
  return error;
}

const header = 'text_content,image_path,label\n';

test('reads text, label, absolute image path, and the row as written', async () => {
  const { samples, problems, columns } = await read(`id,${header}7,"A fire, again",a.jpg,1\n8,Calm sea,b.jpg,0\n`);
  expect(problems).toEqual([]);
  expect(columns).toEqual(['id', 'text_content', 'image_path', 'label']);
  expect(samples.map(({ text, label, line }) => [text, label, line])).toEqual([
    ['A fire, again', 1, 2],
    ['Calm sea', 0, 3],
  ]);
  expect(samples[0]?.imagePath).toBe(path.join(dir, 'a.jpg'));
  expect(samples[0]?.row).toEqual({ id: '7', text_content: 'A fire, again', image_path: 'a.jpg', label: '1' });
});

test('a byte order mark is no part of the first column name', async () => {
  const { samples, columns } = await read(`\ufeff${header}x,a.jpg,1\n`);
  expect(columns[0]).toBe('text_content');
  expect(samples).toHaveLength(1);
});

test('line numbers point at the physical line on which a row begins', async () => {
  const rows = '"two\nlines",a.jpg,1\n\n"three\r\nmore\nlines",b.jpg,0\nplain,c.jpg,0\n';
  const { samples } = await read(header + rows);
  expect(samples.map(({ line }) => line)).toEqual([2, 5, 8]);
  expect(samples[1]?.text).toBe('three\r\nmore\nlines');
});

test.each([
  ['\r\n', 'Windows'],
  ['\r', 'old Mac'],
])('line endings %j (%s) are understood, also without one at the end', async (ending) => {
  const content = `${header}x,a.jpg,1\n"y\nz",b.jpg,0\nw,c.jpg,1`.replaceAll('\n', ending);
  const { samples } = await read(content);
  expect(samples.map(({ line, label }) => [line, label])).toEqual([
    [2, 1],
    [3, 0],
    [5, 1],
  ]);
});

test('quotes are read as written: doubled inside quoted text, single inside unquoted text', async () => {
  const { samples } = await read(
    `${header}"He said ""no""",a.jpg,0\nHe said "yes" twice,b.jpg,0\n5" of snow,c.jpg,1\n`,
  );
  expect(samples.map(({ text }) => text)).toEqual(['He said "no"', 'He said "yes" twice', '5" of snow']);
});

test('a file larger than any read buffer keeps its characters and line numbers', async () => {
  const rows = Array.from(
    { length: 6000 },
    (_, i) => `"🔥 wildfire ñ ${i}\n日本語 \r\n${'é'.repeat(i % 50)}",a.jpg,${i % 2}`,
  );
  const { samples } = await read(`${header}${rows.join('\r\n')}\r\n`);
  expect(samples).toHaveLength(6000);
  expect(
    samples.every(({ text, line }, i) => text.startsWith(`🔥 wildfire ñ ${i}\n日本語 \r\n`) && line === 2 + 3 * i),
  ).toBe(true);
});

test('tab-separated files are told by their name', async () => {
  const file = write('text_content\timage_path\tlabel\nOne, two\ta.jpg\t1\n', 'tsv');
  const { samples } = await readManifest({ file });
  expect(samples[0]?.text).toBe('One, two');
});

test('labels may be written as pandas writes them after a float detour', async () => {
  const { samples } = await read(`${header}x,a.jpg,0.0\ny,b.jpg,1.0\nz,c.jpg, 1\n`);
  expect(samples.map(({ label }) => label)).toEqual([0, 1, 1]);
});

test('what pandas writes for a missing text is a blank text', async () => {
  const { samples } = await read(
    `${header}nan,a.jpg,0\n,a.jpg,1\nNaN,b.jpg,1\n"  ",b.jpg,1\nNone,c.jpg,0\nnano,c.jpg,0\n`,
  );
  expect(samples.map(({ text }) => text)).toEqual(['', '', '', '', '', 'nano']);
});

test('column names are configurable', async () => {
  const names = { textColumn: 'title', imageColumn: 'picture', labelColumn: '2_way' };
  const { samples } = await read('2_way,title,picture\n1,x,a.jpg\n', names);
  expect(samples[0]).toMatchObject({ text: 'x', label: 1, imagePath: path.join(dir, 'a.jpg') });
});

test('a missing column lists the columns that exist and the nearest one', async () => {
  const error = await errorOf(read('id,text_contents,image_path,truth\n1,x,a.jpg,1\n'));
  expect(error.code).toBe('CROSSCHECK_DATA_MISSING_COLUMN');
  expect(error.message).toContain(
    '"text_content" (data.text_column; nearest: "text_contents") and "label" (data.label_column',
  );
  expect(error.message).toContain('"id", "text_contents", "image_path", "truth"');
  expect(error.message).toMatch(/posts-\d+\.csv:1/);
});

test('repeated column names become unique as in pandas, and the first one counts', async () => {
  const { samples, columns } = await read('text_content,image_path,label,label,label.1,label\nx,a.jpg,1,FAKE,0.9,z\n');
  expect(columns).toEqual(['text_content', 'image_path', 'label', 'label.2', 'label.1', 'label.3']);
  expect(samples[0]?.label).toBe(1);
  expect(samples[0]?.row).toMatchObject({ label: '1', 'label.2': 'FAKE', 'label.1': '0.9', 'label.3': 'z' });
});

test('relative image paths resolve against the images folder, absolute ones are kept', async () => {
  const { samples } = await read(`${header}x,a.jpg,1\ny,${path.join(dir, 'b.jpg')},0\n`, {
    imagesDir: path.join(dir, 'images'),
  });
  expect(samples.map(({ imagePath }) => imagePath)).toEqual([path.join(dir, 'images/a.jpg'), path.join(dir, 'b.jpg')]);
});

const planted = `${header}good,a.jpg,1
bad label,a.jpg,2
"also
good",b.jpg,0
no picture,gone.jpg,0
no label,a.jpg,
too,many,a.jpg,1
empty picture,empty.jpg,1
no cell,,1
folder,images,1
good too,c.jpg,1
`;

test('with skip, bad rows are left out and reported with file, line and row, in order', async () => {
  const file = write(planted);
  const { samples, problems } = await readManifest({ file, onBadSample: 'skip' });
  expect(samples.map(({ line }) => line)).toEqual([2, 4, 12]);
  expect(problems.map(({ line, code }) => [line, code.replace('CROSSCHECK_DATA_', '')])).toEqual([
    [3, 'BAD_LABEL'],
    [6, 'MISSING_IMAGE'],
    [7, 'BAD_LABEL'],
    [8, 'BAD_ROW'],
    [9, 'MISSING_IMAGE'],
    [10, 'MISSING_IMAGE'],
    [11, 'MISSING_IMAGE'],
  ]);
  expect(
    problems.every((problem) => problem.file === file && problem.message.startsWith(`${file}:${problem.line}: `)),
  ).toBe(true);
  expect(problems[0]?.message).toContain('label must be 0 (REAL) or 1 (FAKE), got "2"');
  expect(problems[0]?.row).toEqual({ text_content: 'bad label', image_path: 'a.jpg', label: '2' });
  expect(problems[1]?.message).toContain(path.join(dir, 'gone.jpg'));
  expect(problems[3]?.message).toContain('expected 3 cells as in the header, got 4');
});

test('with error, the first several problems are told at once, and how many more there are', async () => {
  const error = await errorOf(read(planted));
  expect(error.code).toBe('CROSSCHECK_DATA_BAD_SAMPLES');
  expect(error.message.split('\n')).toHaveLength(8);
  expect(error.message).toMatch(/^7 rows cannot be used:\n {2}.*:3: label.*"2"/);
  expect(error.message).toContain('and 2 more');
  expect(error.message).toContain('data.on_bad_sample=skip');
});

test('problems of one kind keep their own code', async () => {
  const one = await errorOf(read(`${header}x,a.jpg,yes\n`));
  expect(one.code).toBe('CROSSCHECK_DATA_BAD_LABEL');
  expect(one.message).toMatch(
    /\.csv:2: label must be 0 \(REAL\) or 1 \(FAKE\), got "yes"; .*"yes" in 1 row; .*data\.labels=.*; repair/,
  );
  const two = await errorOf(read(`${header}x,none.jpg,0\ny,gone.jpg,0\n`));
  expect(two.code).toBe('CROSSCHECK_DATA_MISSING_IMAGE');
});

test('pictures are found in images/<name of the manifest> too, where training looks for them', async () => {
  const file = path.join(dir, 'val.csv');
  const picture = path.join(dir, 'images/val/only-here.jpg');
  mkdirSync(path.dirname(picture), { recursive: true });
  writeFileSync(picture, 'not looked into here');
  writeFileSync(file, `${header}x,only-here.jpg,0\ny,a.jpg,0\n`);
  const { samples } = await readManifest({ file });
  expect(samples.map(({ imagePath }) => imagePath)).toEqual([picture, path.join(dir, 'a.jpg')]);
});

test('a missing images folder is told as such', async () => {
  const error = await errorOf(read(`${header}x,pictures/a.jpg,0\n`));
  expect(error.message).toContain(`nor a folder ${path.join(dir, 'pictures')}`);
});

test('a file without labels can be read when none are required', async () => {
  const unlabelled = await read('text_content,image_path\nx,a.jpg\n', { labelRequired: false });
  expect(unlabelled.samples.map(({ label }) => label)).toEqual([null]);
  const partly = await read(`${header}x,a.jpg,\ny,b.jpg,1\nz,c.jpg,unknown\n`, { labelRequired: false });
  expect(partly.samples.map(({ label }) => label)).toEqual([null, 1, null]);
});

test('nRows takes the first rows, good or bad, and -1 takes all', async () => {
  const lines = async (nRows: number) =>
    (await read(planted, { nRows, onBadSample: 'skip' })).samples.map(({ line }) => line);
  expect(await lines(3)).toEqual([2, 4]);
  expect(await lines(-1)).toEqual([2, 4, 12]);
  expect(await lines(1000)).toEqual([2, 4, 12]);
});

test('the digest is the sha256 of the file, however many rows are read', async () => {
  const expected = createHash('sha256').update(planted).digest('hex');
  const { digest } = await read(planted, { nRows: 1 });
  expect(digest).toBe(expected);
});

test('a file that does not exist tells where it was looked for', async () => {
  const error = await errorOf(readManifest({ file: path.join(dir, 'nowhere/train.csv') }));
  expect(error.code).toBe('CROSSCHECK_DATA_NOT_FOUND');
  expect(error.message).toContain(path.join(dir, 'nowhere/train.csv'));
  expect(error.message).toContain('pnpm data:demo');
  expect((await errorOf(readManifest({ file: dir }))).message).toContain('a folder');
});

test.each([
  ['an empty file', ''],
  ['only blank lines', '\n\n'],
  ['only a header', header],
  ['only bad rows', `${header}x,a.jpg,5\n`],
])('%s leaves nothing to train on', async (_, content) => {
  expect((await errorOf(read(content, { onBadSample: 'skip' }))).code).toBe('CROSSCHECK_DATA_NO_SAMPLES');
});

test('where no row can be used, leaving rows out is not advised', async () => {
  const { message } = await errorOf(read(`${header}x,a.jpg,5\ny,a.jpg,6\n`, { onBadSample: 'skip' }));
  expect(message).toContain('2 rows cannot be used');
  expect(message).not.toContain('on_bad_sample');
});

test('a quote that is never closed names the line where its record begins', async () => {
  const error = await errorOf(read(`${header}x,a.jpg,1\n"y,b.jpg,0\nz,c.jpg,1\n`));
  expect(error.code).toBe('CROSSCHECK_DATA_BROKEN_CSV');
  expect(error.message).toMatch(/begins at .*:3 cannot be read: it opens a quote that is never closed/);
});

test('a quote that is never closed in a long file does not swallow all of it', async () => {
  const error = await errorOf(read(`${header}"y,b.jpg,0\n${'z,c.jpg,1\n'.repeat(200_000)}`));
  expect(error.code).toBe('CROSSCHECK_DATA_BROKEN_CSV');
  expect(error.message).toMatch(/:2 cannot be read: it is longer than/);
});

test('bytes that are not UTF-8 are refused with their line', async () => {
  const latin1 = await errorOf(read(Buffer.from(`${header}x,a.jpg,1\nSão Paulo,b.jpg,1\n`, 'latin1')));
  expect(latin1.code).toBe('CROSSCHECK_DATA_ENCODING');
  expect(latin1.message).toMatch(/:3: 0xE3 is the 2. byte of the line.*data\.encoding=latin1/);
  const cut = await errorOf(
    read(Buffer.concat([Buffer.from(`${header}x,a.jpg,1\ncut `), Buffer.from('é').subarray(0, 1)])),
  );
  expect(cut.code).toBe('CROSSCHECK_DATA_ENCODING');
  expect(cut.message).toMatch(/:3: /);
  const late = `${header}${'ünïcödé text,a.jpg,1\n'.repeat(20_000)}`;
  const deep = await errorOf(
    read(Buffer.concat([Buffer.from(late), Buffer.from('S\xe3o,b.jpg,1\nlast,b.jpg,1\n', 'latin1')])),
  );
  expect(deep.message).toMatch(/:20002: /);
});
