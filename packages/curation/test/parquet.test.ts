import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { readParquetRows } from '../src/sources/read-parquet.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

// Crafted: a column's path that the schema does not have, so that the reader gives up while other columns are still being rejected.
const broken = path.join(import.meta.dirname, 'golden/sources/broken.parquet');
const whole = path.join(import.meta.dirname, 'golden/sources/train-00000-of-00001.parquet');

describe('a parquet file', () => {
  test('whose columns are rejected outside the reader is broken, and the process goes on', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on('unhandledRejection', note);
    await expect(readParquetRows(broken)).rejects.toMatchObject({ code: 'CROSSCHECK_DATA_BROKEN_PARQUET' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  test('that is cut, a folder, or not there is broken', async () => {
    const cut = path.join(dir, 'cut.parquet');
    writeFileSync(cut, readFileSync(whole).subarray(0, -9));
    for (const file of [cut, dir, path.join(dir, 'none.parquet')])
      await expect(readParquetRows(file)).rejects.toMatchObject({ code: 'CROSSCHECK_DATA_BROKEN_PARQUET' });
  });

  test('that is whole gives its rows', async () => {
    expect(await readParquetRows(whole)).toHaveLength(7);
  });
});
