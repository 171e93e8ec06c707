import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { type AbstainBand, abstainBandSchema, CrosscheckError } from '@crosscheck/contract';
import { type FileRow, isJsonLines, readRows } from '@crosscheck/posts';
import { z } from 'zod';

/** What must be the same for a half-written output to be continued. */
export interface Undertaking {
  inputFile: string;
  inputBytes: number;
  inputModifiedMs: number;
  /** sha256 of the weights. */
  model: string;
  threshold: number;
  temperature: number;
  /** Where UNSURE was written; null where that was not asked for. */
  abstainBand: AbstainBand | null;
  /** Of the output. */
  header: string[];
}

const undertakingSchema = z.object({
  inputFile: z.string(),
  inputBytes: z.number(),
  inputModifiedMs: z.number(),
  model: z.string(),
  threshold: z.number(),
  temperature: z.number(),
  abstainBand: abstainBandSchema.nullable().default(null),
  header: z.array(z.string()),
});

export const partialOf = (file: string) => `${file}.partial`;
const descriptionOf = (file: string) => `${file}.partial.json`;
const earlierOf = (file: string) => `${file}.partial.old`;

/** Notes beside a half-written output what it will be, so that a later run can tell whether to go on. */
export async function describePartial(file: string, undertaking: Undertaking): Promise<void> {
  await writeFile(descriptionOf(file), `${JSON.stringify(undertaking)}\n`);
}

/** Forgets a half-written output. */
export async function forgetPartial(file: string): Promise<void> {
  await Promise.all([descriptionOf(file), earlierOf(file)].map((name) => rm(name, { force: true })));
}

/**
 * The rows of a half-written output that can be kept: all but the last, which may be torn. The file is set aside first, so that its
 * successor can be written under its name.
 *
 * @returns null when there is nothing to go on from
 * @throws CROSSCHECK_INFER_RESUME_MISMATCH
 */
export async function openEarlier(file: string, undertaking: Undertaking): Promise<AsyncGenerator<FileRow> | null> {
  const earlier = earlierOf(file);
  // One that was set aside by a run that ended while copying it is the longer of the two.
  if (!(await exists(earlier))) {
    if (!(await exists(partialOf(file)))) return null;
    await requireSame(file, undertaking);
    await rename(partialOf(file), earlier);
  } else await requireSame(file, undertaking);
  return allButLast(readRows(earlier, { json: isJsonLines(file), delimiter: ',' }));
}

async function requireSame(file: string, undertaking: Undertaking): Promise<void> {
  const text = await readFile(descriptionOf(file), 'utf8').catch(() => 'null');
  const described = undertakingSchema.safeParse(JSON.parse(text)).data;
  const changed = (Object.keys(undertaking) as (keyof Undertaking)[]).filter(
    (key) => JSON.stringify(described?.[key]) !== JSON.stringify(undertaking[key]),
  );
  if (changed.length === 0) return;
  const message = `${partialOf(file)} was begun with something else (${changed.join(', ')}) and cannot be gone on with; remove it, or set inference.batch.resume=false to start anew`;
  throw new CrosscheckError('CROSSCHECK_INFER_RESUME_MISMATCH', message);
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

/** A torn quote or object ends the rows without an error. */
async function* allButLast(rows: AsyncGenerator<FileRow>): AsyncGenerator<FileRow> {
  let held: FileRow | null = null;
  try {
    for await (const row of rows) {
      if (held) yield held;
      held = row;
    }
  } catch (error) {
    if (!(error instanceof CrosscheckError)) throw error;
  }
}
