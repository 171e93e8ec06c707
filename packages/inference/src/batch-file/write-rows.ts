import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CrosscheckError, describeSystemError, messageOf } from '@crosscheck/contract';
import { ensureFolder } from '@crosscheck/files';
import { isJsonLines } from '@crosscheck/posts';
import { stringify } from 'csv-stringify';
import { partialOf } from './resume.ts';

/** A CSV or JSON Lines file that appears under its name only when it is whole. */
export interface RowWriter {
  write(record: readonly string[] | Record<string, unknown>): Promise<void>;
  /** Puts the file in its place. */
  commit(): Promise<void>;
  /** Leaves what was written, so that a later run can go on from it. */
  keep(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** @throws CROSSCHECK_INFER_OUTPUT_UNWRITABLE */
export async function openRowWriter(file: string): Promise<RowWriter> {
  const partial = partialOf(file);
  await (async () => ensureFolder(path.dirname(path.resolve(file))))().catch(unwritable(file));
  const handle = await open(partial, 'w').catch(unwritable(file));
  const csv = isJsonLines(file) ? jsonLines() : stringify();
  const output = createWriteStream(partial, { fd: handle });
  const done = finished(csv.pipe(output));
  done.catch(() => {});
  csv.on('error', (error) => output.destroy(error));
  return {
    async write(record) {
      if (csv.write(record)) return;
      await Promise.race([once(csv, 'drain'), done]).catch(unwritable(file));
    },
    async commit() {
      csv.end();
      await done.catch(unwritable(file));
      await rename(partial, file).catch(unwritable(file));
    },
    async keep() {
      csv.end();
      await done.catch(() => {});
    },
    async discard() {
      output.destroy();
      await done.catch(() => {});
      await rm(partial, { force: true });
    },
  };
}

function jsonLines(): Transform {
  return new Transform({
    writableObjectMode: true,
    transform: (record, _encoding, done) => done(null, `${JSON.stringify(record)}\n`),
  });
}

function unwritable(file: string): (cause: unknown) => never {
  return (cause) => {
    const message = `cannot write ${file}: ${describeSystemError(cause) ?? messageOf(cause)}; choose another inference.batch.output_file or make room`;
    throw new CrosscheckError('CROSSCHECK_INFER_OUTPUT_UNWRITABLE', message, { cause });
  };
}
