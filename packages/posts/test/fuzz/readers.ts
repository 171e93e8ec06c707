import type { FuzzTarget } from '@crosscheck/testkit';
import { createLabelReader, readRows } from '../../src/index.ts';

const csv = Buffer.from('text_content,image_path,label\n"a, ""b""",1.jpg,0\nc;d,2.jpg,1\n"two\nlines",3.jpg,0\n');
const tsv = Buffer.from('text_content\timage_path\tlabel\na\t1.jpg\tREAL\nb\t2.jpg\tFAKE\n');
const utf16 = Buffer.from('\ufefftext_content;image_path;label\né;1.jpg;0\n', 'utf16le');
const jsonLines = Buffer.from(
  '{"text_content": "a", "image_path": "1.jpg", "label": 0}\n{"text_content": "b", "image_path": "2.jpg", "label": 1}\n',
);

const codes = ['CROSSCHECK_DATA_ENCODING', 'CROSSCHECK_DATA_BROKEN_CSV', 'CROSSCHECK_DATA_BROKEN_JSON'];

const readAll = async (file: string) => {
  const label = createLabelReader();
  for await (const row of readRows(file)) label(row.cells[2] ?? '');
};

export const targets: FuzzTarget[] = [
  { name: 'csv', seeds: () => [csv, tsv, utf16], codes, read: (_, file) => readAll(file) },
  { name: 'json-rows', seeds: () => [jsonLines], codes, read: (_, file) => readAll(file) },
];
