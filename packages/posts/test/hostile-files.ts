import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ErrorCode } from '@crosscheck/contract';

const fixture = (name: string): Buffer => readFileSync(path.join(import.meta.dirname, 'fixtures', name));

const header = 'text_content,image_path,label\n';
const usual = `${header}One,a.jpg,0\nTwo,b.jpg,1\n`;
const latin1 = Buffer.from(`${header}Caf\xe9,a.jpg,0\nTwo,b.jpg,1\n`, 'latin1');

/** A file as people have them, and the answer that every command gives to it. */
export interface HostileFile {
  name: string;
  content: string | Buffer;
  /** File name, where it matters. @default posts.csv */
  file?: string;
  options?: { encoding?: 'latin1' | 'utf-16le'; delimiter?: string; labels?: Record<string, 'REAL' | 'FAKE'> };
  /** Texts and labels of the rows, or the code of the error with words of its message. */
  rows?: [text: string, label: 0 | 1][];
  error?: [ErrorCode, ...RegExp[]];
  /** Of the rows, for commands that need no labels, where the labels are what is wrong. */
  texts?: string[];
}

const two: [string, 0 | 1][] = [
  ['One', 0],
  ['Two', 1],
];
const cafe: [string, 0 | 1][] = [
  ['Café', 0],
  ['Two', 1],
];
const quoted = (lines: number): [string, 0 | 1][] => [
  [Array.from({ length: lines }, (_, i) => `line ${i}, of some, words`).join('\n'), 0],
  ['Two', 1],
];

export const hostileFiles: HostileFile[] = [
  { name: 'a plain CSV', content: usual, rows: two },
  { name: 'semicolons', content: usual.replaceAll(',', ';'), rows: two },
  { name: 'tabs in a .csv', content: usual.replaceAll(',', '\t'), rows: two },
  { name: 'commas in a .tsv', content: usual, file: 'posts.tsv', rows: two },
  { name: 'tabs in a .tsv', content: usual.replaceAll(',', '\t'), file: 'posts.tsv', rows: two },
  { name: 'bars', content: usual.replaceAll(',', '|'), rows: two },
  { name: "a spreadsheet's own line on the delimiter", content: `sep=;\r\n${usual.replaceAll(',', ';')}`, rows: two },
  { name: 'a delimiter that is named', content: usual.replaceAll(',', '^'), options: { delimiter: '^' }, rows: two },
  {
    name: 'a delimiter that is not named',
    content: usual.replaceAll(',', '^'),
    error: ['CROSSCHECK_DATA_MISSING_COLUMN', /delimiter/],
  },
  { name: 'a byte order mark', content: `\ufeff${usual}`, rows: two },
  { name: 'UTF-16 as spreadsheets write it', content: Buffer.from(`\ufeff${usual}`, 'utf16le'), rows: two },
  { name: 'UTF-16, the other way round', content: Buffer.from(`\ufeff${usual}`, 'utf16le').swap16(), rows: two },
  {
    name: 'UTF-16 without a mark',
    content: Buffer.from(usual, 'utf16le'),
    error: ['CROSSCHECK_DATA_ENCODING', /NUL.*encoding=utf-16le/],
  },
  {
    name: 'UTF-16 that is named',
    content: Buffer.from(usual, 'utf16le'),
    options: { encoding: 'utf-16le' },
    rows: two,
  },
  {
    name: 'Latin-1',
    content: latin1,
    error: ['CROSSCHECK_DATA_ENCODING', /:2: 0xE9 is the 4\. byte.*encoding=latin1/],
  },
  { name: 'Latin-1 that is named', content: latin1, options: { encoding: 'latin1' }, rows: cafe },
  {
    name: 'UTF-8 that is called Latin-1',
    content: usual.replace('One', 'Café'),
    options: { encoding: 'latin1' },
    error: ['CROSSCHECK_DATA_ENCODING', /got UTF-8/],
  },
  { name: 'a NUL', content: usual.replace('Two', 'T\0o'), error: ['CROSSCHECK_DATA_ENCODING', /NUL character.*:3/] },
  { name: 'carriage returns alone', content: usual.replaceAll('\n', '\r'), rows: two },
  { name: 'mixed line ends', content: `text_content,image_path,label\r\nOne,a.jpg,0\rTwo,b.jpg,1\n\n`, rows: two },
  {
    name: 'blanks around names and cells',
    content: usual.replaceAll(',', ' , '),
    rows: two.map(([t, l]) => [`${t} `, l]),
  },
  {
    name: 'labels after a float detour',
    content: usual.replace(',0\n', ',0.0\n').replace(',1\n', ',1.00\n'),
    rows: two,
  },
  { name: 'our own words as labels', content: usual.replace(',0\n', ',Real\n').replace(',1\n', ',FAKE\n'), rows: two },
  {
    name: 'words that are mapped',
    content: usual.replace(',0\n', ',Genuine\n').replace(',1\n', ',hoax\n'),
    options: { labels: { genuine: 'REAL', Hoax: 'FAKE' } },
    rows: two,
  },
  {
    name: 'a label of 2',
    content: usual.replace(',1\n', ',2\n'),
    error: ['CROSSCHECK_DATA_BAD_LABEL', /"2" in 1 row/],
    texts: ['One', 'Two'],
  },
  {
    name: 'true and fake as labels',
    content: `${usual.replace(',0\n', ',True\n').replace(',1\n', ',Fake\n')}Three,b.jpg,true\n`,
    error: ['CROSSCHECK_DATA_BAD_LABEL', /"True" in 1 row, "true" in 1 row.*labels=\{/],
    texts: ['One', 'Two', 'Three'],
  },
  {
    name: 'a caption of many lines with commas',
    content: `${header}"${quoted(6)[0]?.[0]}",a.jpg,0\nTwo,b.jpg,1\n`,
    rows: quoted(6),
  },
  {
    name: 'doubled quotes',
    content: `${header}"One ""x"", y",a.jpg,0\nTwo,b.jpg,1\n`,
    rows: [
      ['One "x", y', 0],
      ['Two', 1],
    ],
  }, // prettier-ignore
  {
    name: 'a quote inside a plain cell',
    content: `${header}5" of snow,a.jpg,0\nTwo,b.jpg,1\n`,
    rows: [
      ['5" of snow', 0],
      ['Two', 1],
    ],
  }, // prettier-ignore
  {
    name: 'a quote that another row closes',
    content: fixture('train-silent.csv'),
    error: ['CROSSCHECK_DATA_BROKEN_CSV', /:2 cannot be read: the quote that opens in line 2/],
  },
  {
    name: 'a quote that another row closes, further below',
    content: fixture('train-skip-counts-1.csv'),
    error: ['CROSSCHECK_DATA_BROKEN_CSV', /the quote that opens in line 2 ends in line 5/],
  },
  {
    name: 'a quote that the end of a row closes',
    content: `${header}"One,a.jpg,0\nTwo",b.jpg,1\n`,
    error: ['CROSSCHECK_DATA_BROKEN_CSV', /the quote that opens in line 2 takes whole rows/],
  },
  {
    name: 'a quote that nothing closes',
    content: `${header}One,a.jpg,0\n"Two,b.jpg,1\n`,
    error: ['CROSSCHECK_DATA_BROKEN_CSV', /never closed, in line 3/],
  },
  {
    name: 'a record without an end',
    content: `${header}${'x'.repeat(1 << 21)},a.jpg,0\n`,
    error: ['CROSSCHECK_DATA_BROKEN_CSV', /:2 cannot be read: it is longer than/],
  },
  {
    name: 'a column of another name',
    content: usual.replace('image_path', 'image'),
    error: ['CROSSCHECK_DATA_MISSING_COLUMN', /nearest: "image"/, /"text_content", "image", "label"/],
  },
  { name: 'an empty file', content: '', error: ['CROSSCHECK_DATA_NO_SAMPLES'] },
  { name: 'a header alone', content: header, error: ['CROSSCHECK_DATA_NO_SAMPLES'] },
  {
    name: 'JSON Lines',
    file: 'posts.jsonl',
    content:
      '{"text_content":"One","image_path":"a.jpg","label":0}\r\n\n{"text_content":"Two","image_path":"b.jpg","label":"FAKE"}',
    rows: two,
  },
  {
    name: 'JSON Lines in Latin-1',
    file: 'posts.jsonl',
    content: Buffer.from('{"text_content":"Caf\xe9","image_path":"a.jpg","label":0}\n', 'latin1'),
    error: ['CROSSCHECK_DATA_ENCODING', /:1: 0xE9/],
  },
  {
    name: 'CSV that calls itself JSON Lines',
    file: 'posts.jsonl',
    content: usual,
    error: ['CROSSCHECK_DATA_BROKEN_JSON', /:1/],
  },
];
