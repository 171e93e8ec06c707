import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FuzzTarget } from '@crosscheck/testkit';
import { readJsonLines } from '../../src/sources/read-json.ts';
import { readParquetRows } from '../../src/sources/read-parquet.ts';
import { decodeExample } from '../../src/sources/tfrecord/example.ts';
import { readRecordFile } from '../../src/sources/tfrecord/record-file.ts';

const golden = (name: string) => readFileSync(path.join(import.meta.dirname, '../golden/sources', name));

async function examples(): Promise<Buffer[]> {
  const records: Buffer[] = [];
  for await (const record of readRecordFile(path.join(import.meta.dirname, '../golden/sources/ac215.tfrecord')))
    records.push(record);
  return records;
}

const jsonLines = Buffer.from(
  '{"id": 1, "img": "img/1.png", "text": "a", "label": 0}\n{"id": 2, "img": "é.png", "text": "b", "label": 1}\n',
);

const readRecords = async (_: Buffer, file: string) => {
  for await (const record of readRecordFile(file)) decodeExample(record, file);
};

export const targets: FuzzTarget[] = [
  {
    name: 'tfrecord',
    seeds: () => [golden('ac215.tfrecord')],
    codes: ['CROSSCHECK_DATA_BROKEN_TFRECORD'],
    read: readRecords,
  },
  {
    name: 'tfrecord-example',
    seeds: examples,
    codes: ['CROSSCHECK_DATA_BROKEN_TFRECORD'],
    read: (bytes) => decodeExample(bytes),
  },
  {
    name: 'parquet',
    seeds: () => [golden('train-00000-of-00001.parquet'), golden('broken.parquet')],
    codes: ['CROSSCHECK_DATA_BROKEN_PARQUET'],
    read: (_, file) => readParquetRows(file),
    share: 0.05,
  },
  {
    name: 'json-lines',
    seeds: () => [jsonLines],
    codes: ['CROSSCHECK_DATA_BROKEN_JSON', 'CROSSCHECK_DATA_ENCODING'],
    read: (_, file) => readJsonLines(file),
  },
];
