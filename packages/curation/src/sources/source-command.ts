import { type Option, print, type ValuesOf } from '@crosscheck/contract';
import { defaultMaxPixels } from '@crosscheck/preprocess';
import { runDataCommand } from '../command-line.ts';
import { createProgress, type Progress } from '../progress.ts';
import { describeLost, type SourcePost, writeSource } from './write-source.ts';

/** How much of a source may be lost. */
export const failureOptions = {
  max_failed_share: {
    default: 1,
    isFraction: true,
    help: 'of the rows; when more fail, or all, it is an error and no CSV is written',
  },
} satisfies Record<string, Option>;

const common = {
  dir: { default: 'data', help: 'receives train.csv, val.csv, test.csv, ledger.jsonl' },
  min_side: { default: 32, help: 'pixels; smaller pictures are left out' },
  max_pixels: { default: defaultMaxPixels, min: 1, help: 'of one picture' },
  ...failureOptions,
} satisfies Record<string, Option>;

/** How a file says what is real and what is fake. */
export const labelOptions = {
  label_column: { default: 'label', help: 'name of the column with 0, 1, REAL or FAKE, or the words in labels' },
  positive_class: {
    default: null,
    choices: ['fake', 'real'],
    help: 'what 1 and true mean there; null = 1 is FAKE, and true and false are refused',
  },
} satisfies Record<string, Option>;

export function positiveClassOf({ positive_class: positive }: ValuesOf<typeof labelOptions>): 'fake' | 'real' | null {
  return positive === 'fake' || positive === 'real' ? positive : null;
}

export interface SourceCommand<T extends Record<string, Option>> {
  name: string;
  summary: string;
  options: T;
  /** Posts by split, in the order train, val, test. */
  read: (values: ValuesOf<T & typeof common>) => Promise<Record<string, SourcePost[]>>;
  allowBlank?: boolean;
}

/** Runs a command that turns another data set into our manifests. */
export async function runSourceCommand<T extends Record<string, Option>>(source: SourceCommand<T>): Promise<void> {
  const { name, summary, read, allowBlank = false } = source;
  await runDataCommand<T & typeof common>({
    name,
    summary,
    options: { ...source.options, ...common },
    async main(values) {
      const splits = await read(values);
      const shared = values as ValuesOf<typeof common>;
      let progress: Progress | undefined;
      const { kept, fates } = await writeSource(splits, {
        dir: shared.dir,
        allowBlank,
        maxFailedShare: shared.max_failed_share,
        limits: { minSide: shared.min_side, maxPixels: shared.max_pixels, placeholders: new Set() },
        onPost(_, total) {
          progress ??= createProgress('posts', total);
          progress.tick();
        },
      });
      progress?.end();
      for (const { rows, fake, file } of Object.values(kept)) {
        print(`${file}: ${rows} posts, ${rows - fake} REAL, ${fake} FAKE`);
      }
      print(describeLost(fates));
    },
  });
}
