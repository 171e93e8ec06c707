import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import { z } from 'zod';

const epochSchema = z.looseObject({ epoch: z.int(), phase: z.string() });
const counts = z.object({ tn: z.int(), fp: z.int(), fn: z.int(), tp: z.int() });
const evaluationSchema = z.object({
  metrics: z.record(z.string(), z.object({ value: z.number() })),
  confusion: counts,
});

type Files = Record<string, string>;

/** What each file of a run becomes for DVC. */
const conversions: Record<string, (text: string) => Files> = {
  'metrics.jsonl': (text) => ({ 'epochs.csv': epochTable(text) }),
  'eval_results.json': (text) => evaluationFiles(text),
};

/**
 * Writes what `dvc metrics show` and `dvc plots show` read: from `metrics.jsonl` the table of epochs (`epochs.csv`), from
 * `eval_results.json` the figures (`metrics.json`) and the confusion of every post (`confusion.csv`).
 *
 * @returns the files written
 * @throws CROSSCHECK_DVC_NO_PLOTS
 */
export async function writePlots(source: string, dir: string): Promise<string[]> {
  const files = await convertFile(source);
  for (const [name, text] of Object.entries(files)) writeWhole(path.join(dir, name), text);
  return Object.keys(files).map((name) => path.join(dir, name));
}

async function convertFile(source: string): Promise<Files> {
  const convert = conversions[path.basename(source)];
  try {
    if (!convert) throw new Error(`${path.basename(source)} is neither ${Object.keys(conversions).join(' nor ')}`);
    return convert(await readFile(source, 'utf8'));
  } catch (cause) {
    const message = `expected metrics.jsonl of a training run or eval_results.json of an evaluation at ${source}: ${messageOf(cause)}`;
    throw new CrosscheckError('CROSSCHECK_DVC_NO_PLOTS', message, { cause });
  }
}

/** DVC takes slashes and dots in names of columns for paths. */
const columnOf = (metric: string) => metric.replaceAll(/\W/g, '_');

function epochTable(text: string): string {
  const records = text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const epochs = records.flatMap((record) => epochSchema.safeParse(record).data ?? []);
  const names = [...new Set(epochs.flatMap(Object.keys))];
  const rows = epochs.map((epoch) => names.map((name) => JSON.stringify(epoch[name] ?? '').replaceAll('"', '')));
  return `${[names.map(columnOf), ...rows].map((row) => row.join(',')).join('\n')}\n`;
}

function evaluationFiles(text: string): Files {
  const { metrics, confusion } = evaluationSchema.parse(JSON.parse(text));
  const values = Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
  return { 'metrics.json': `${JSON.stringify(values, null, 2)}\n`, 'confusion.csv': confusionTable(confusion) };
}

/** One row for each post, as DVC's template counts them. */
function confusionTable({ tn, fp, fn, tp }: z.infer<typeof counts>): string {
  const cells: [string, number][] = [
    ['REAL,REAL', tn],
    ['REAL,FAKE', fp],
    ['FAKE,REAL', fn],
    ['FAKE,FAKE', tp],
  ];
  return ['actual,predicted\n', ...cells.map(([row, count]) => `${row}\n`.repeat(count))].join('');
}
