import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { createLabelReader, type FileRow, type ReadingOptions, readRows } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

let files = 0;
async function read(content: string | Buffer, options: ReadingOptions & { name?: string } = {}): Promise<FileRow[]> {
  const file = path.join(dir, `${files++}-${options.name ?? 'posts.csv'}`);
  writeFileSync(file, content);
  const rows: FileRow[] = [];
  for await (const row of readRows(file, options)) rows.push(row);
  return rows;
}

test('pieces of a file are put together wherever they were cut, in every encoding', async () => {
  const rows = Array.from({ length: 4000 }, (_, i) => `"🔥 ñ ${i}\r\n日本 ""${'é'.repeat(i % 60)}""",${i}.jpg`);
  const text = `text_content,image_path\r\n${rows.join('\r\n')}\r\n`;
  const contents = [text, Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from(`\ufeff${text}`, 'utf16le').swap16()];
  for (const content of contents) {
    const found = (await read(content)).slice(1);
    expect(found).toHaveLength(4000);
    const isRight = ({ cells, line }: FileRow, i: number) =>
      cells[0] === `🔥 ñ ${i}\r\n日本 "${'é'.repeat(i % 60)}"` && cells[1] === `${i}.jpg` && line === 2 + 2 * i;
    expect(found.findIndex((row, i) => !isRight(row, i))).toBe(-1);
  }
});

test('the first bad byte is named far inside a file, and at its end', async () => {
  const good = 'text_content,image_path\n'.concat('ünïcödé,a.jpg\n'.repeat(20_000));
  const bad = Buffer.concat([Buffer.from(good), Buffer.from('S\xe3o,b.jpg\nlast,b.jpg\n', 'latin1')]);
  await expect(read(bad)).rejects.toThrow(/:20002: 0xE3 is the 2\. byte/);
  const cut = Buffer.concat([Buffer.from(good), Buffer.from('é').subarray(0, 1)]);
  await expect(read(cut)).rejects.toThrow(/:20002: 0xC3 is the 1\. byte/);
});

test('Latin-1 is what spreadsheets mean by it', async () => {
  const rows = await read(Buffer.from('text_content,image_path\n\x93Caf\xe9\x94 \x80,a.jpg\n', 'latin1'), {
    encoding: 'latin1',
  });
  expect(rows[1]?.cells[0]).toBe('“Café” €');
});

test('a caption may quote a list, a table or a file name', async () => {
  const captions = [
    'a, b, c\nd, e, f\ng, h, i',
    'see flood.jpg\nand more, 1, 2\nend',
    'x\n\n\ny, z',
    'one,two\nthree,four,0\nfive',
  ];
  const rows = captions.map((caption, i) => `"${caption}",${i}.jpg,0`);
  const columns = ['text_content', 'image_path', 'label'];
  const found = await read(`text_content,image_path,label\n${rows.join('\n')}\n`, { columns });
  expect(found.slice(1).map(({ cells }) => cells[0])).toEqual(captions);
});

test('a quote that takes rows is found in any column, whatever the line ends', async () => {
  const columns = ['text_content', 'image_path', 'label'];
  const last = 'image_path,label,text_content\na.jpg,0,"One\nb.jpg,1,Two\nc.jpg,0,Three"\n';
  await expect(read(last, { columns })).rejects.toThrow(/opens in line 2 takes whole rows/);
  await expect(read(last.replaceAll('\n', '\r'), { columns })).rejects.toThrow(/opens in line 2 takes whole rows/);
  const later = 'text_content,image_path\nx,a.jpg\n"One,a.jpg\nTwo",b.jpg\n';
  await expect(read(later, { columns })).rejects.toThrow(/opens in line 3 takes whole rows/);
});

test('a quote that takes rows is found whatever words stand for the labels', async () => {
  const columns = ['text_content', 'image_path', 'label'];
  const header = 'text_content,image_path,label\nOne,a.jpg,vrai\n';
  await expect(read(`${header}"Two,b.jpg,faux\nThree,c.jpg,vrai\nA 5" disk,d.jpg,faux\n`, { columns })).rejects.toThrow(
    /opens in line 3/,
  );
  const closed = `${header}"Two,b.jpg,faux\nThree,c.jpg,vrai\nA disk of 5",d.jpg,faux\n`;
  await expect(read(closed, { columns })).rejects.toThrow(/opens in line 3 takes whole rows/);
  const list = `${header}"Seen:\nfirst, b.jpg, blurred\nlast",d.jpg,faux\n`;
  expect((await read(list, { columns })).at(-1)?.cells).toEqual([
    'Seen:\nfirst, b.jpg, blurred\nlast',
    'd.jpg',
    'faux',
  ]);
});

test('names of the header are unique, and rows keep their own shape', async () => {
  const [header, row] = await read('a,a, b ,\n1,2,3,4,5\n');
  expect(header?.cells).toEqual(['a', 'a.1', 'b', '']);
  expect(row?.cells).toEqual(['1', '2', '3', '4', '5']);
});

test('a line that is no object keeps its text', async () => {
  const rows = await read('{"a":1}\n{"a":\n{"a":[2]}\n', { name: 'x.jsonl' });
  expect(rows.map(({ cells, problem, raw }) => [cells, problem !== undefined, raw])).toEqual([
    [['a'], false, undefined],
    [['1'], false, undefined],
    [[], true, '{"a":'],
    [['[2]'], false, undefined],
  ]);
});

test('labels mean what they say, what the user says, or nothing', () => {
  const read = (rules: Parameters<typeof createLabelReader>[0], ...cells: string[]) =>
    cells.map(createLabelReader(rules));
  expect(read({}, '0', ' 1 ', '1.0', 'REAL', 'fake', 'true', '2', 'nan', '', 'genuine', '-1', '01')).toEqual([
    0,
    1,
    1,
    0,
    1,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
  expect(read({ positiveClass: 'real' }, '0', '1', 'true', 'FALSE', 'real', 'fake', 'hateful', 'pristine')).toEqual([
    1,
    0,
    0,
    1,
    0,
    1,
    null,
    null,
  ]);
  expect(read({ positiveClass: 'fake' }, '0', '1', 'true', 'false')).toEqual([0, 1, 1, 0]);
  expect(read({ labels: { Hoax: 'FAKE', 0: 'FAKE' } }, 'hoax', '0', '1', 'REAL')).toEqual([1, 1, null, 0]);
  expect(() => createLabelReader({ labels: { a: 'maybe' } })).toThrow(/"a" to "maybe"/);
  expect(() => createLabelReader({ labels: { a: 'REAL', A: 'FAKE' } })).toThrow(/"A" to both/);
});
