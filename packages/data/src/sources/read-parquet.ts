import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';

/** All rows of a parquet file: binary columns as bytes, text as text. @throws CROSSCHECK_DATA_BROKEN_PARQUET */
export async function readParquetRows(file: string): Promise<Record<string, unknown>[]> {
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(file), utf8: false });
  } catch (cause) {
    const message = `expected a parquet file (uncompressed or Snappy), got ${messageOf(cause)} (${file}); download it again`;
    throw new CrosscheckError('CROSSCHECK_DATA_BROKEN_PARQUET', message, { cause });
  }
}
