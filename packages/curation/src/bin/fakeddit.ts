import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { print, printError } from '@crosscheck/contract';
import { defaultMaxPixels } from '@crosscheck/preprocess';
import { runDataCommand } from '../command-line.ts';
import { describeSurvival, survivalWarning } from '../download/survival.ts';
import { convertFakeddit, type FakedditSummary } from '../fakeddit/convert-fakeddit.ts';
import type { FakedditText } from '../fakeddit/read-rows.ts';
import { createProgress, type Progress } from '../progress.ts';
import { failureOptions } from '../sources/source-command.ts';
import { describeLost } from '../sources/write-source.ts';

const options = {
  source: { default: 'data/fakeddit', help: "folder with Fakeddit's multimodal TSV files" },
  train: { default: null, help: 'its file for train.csv; null = multimodal_train.tsv in source' },
  val: { default: null, help: 'its file for val.csv; null = multimodal_validate.tsv in source' },
  test: { default: null, help: 'its file for test.csv; null = multimodal_test_public.tsv in source' },
  dir: { default: 'data', help: 'receives train.csv, val.csv, test.csv, images/, ledger.jsonl, survival.json' },
  text: { default: 'clean_title', choices: ['clean_title', 'title'], help: "which of Fakeddit's texts; title leaks" },
  sample: { default: -1, min: -1, help: 'rows drawn per split; -1 = all' },
  seed: { default: 42, help: 'of the sample' },
  images_dir: { default: null, help: 'folder with pictures named by id, used before the network' },
  download: { default: true, help: 'fetch pictures that are not in images_dir' },
  retry_all: { default: false, help: 'also ask again for pictures that an earlier run took for gone' },
  concurrency: { default: 48, min: 1, help: 'requests at once' },
  per_host: { default: 6, min: 1, help: 'requests at once to one host' },
  interval_ms: { default: 50, help: 'shortest time between two requests to one host' },
  timeout_s: { default: 30, min: 1, help: 'for one whole answer' },
  retries: { default: 4, help: 'further tries after failures that may pass' },
  backoff_ms: { default: 1000, help: 'before the first further try; doubled for every other' },
  max_wait_s: { default: 300, help: 'a host that asks for a longer pause is left for the next run' },
  max_mebibytes: { default: 25, min: 1, help: 'of one picture' },
  max_pixels: { default: defaultMaxPixels, min: 1, help: 'of one picture' },
  min_side: { default: 32, help: 'pixels; smaller pictures are left out' },
  shared_rows: { default: 10, help: 'a picture that so many rows share is a placeholder; 0 = never' },
  placeholders: { default: null, help: 'text file with more sha256 or md5 of placeholders, one a line' },
  ...failureOptions,
  user_agent: { default: 'crosscheck-data/0.1 (research; polite)', help: 'how the requests introduce themselves' },
};

const write = print;
const warn = (text: string) => printError(`warning: ${text}`);

const LEAK =
  'text=title keeps what people type only in one of the classes ("PsBattle", "colorized", "propaganda"): a model reads the label ' +
  'from the words. Results with it are no measure of anything; clean_title is the text that Fakeddit means to be used.';

async function readHashes(file: string | null): Promise<Set<string>> {
  const lines = file === null ? [] : (await readFile(file, 'utf8')).split('\n');
  return new Set(lines.map((line) => line.replace(/#.*/, '').trim().toLowerCase()).filter((line) => line !== ''));
}

function report(summary: FakedditSummary, dir: string): void {
  write(describeSurvival(summary.survival));
  const counts = Object.entries(summary.kept).map(([split, rows]) => `${path.join(dir, `${split}.csv`)} (${rows})`);
  write(`wrote ${counts.join(', ')}; every row's fate is in ${path.join(dir, 'ledger.jsonl')}`);
  write(describeLost(summary.fates));
  if (summary.mayComeBack > 0)
    write(`${summary.mayComeBack} rows failed in a way that may pass: run it again to go on`);
  const warning = survivalWarning(summary.survival);
  if (warning) warn(warning);
}

await runDataCommand({
  name: 'data:fakeddit',
  summary:
    "Turns Fakeddit's TSV files into our CSVs (0 = REAL, 1 = FAKE) and fetches the pictures. A second run goes on where the first stopped.",
  options,
  async main(values) {
    if (values.text === 'title') warn(LEAK);
    const inSource = (name: string) => path.join(values.source, name);
    let progress: Progress | undefined;
    let kept = 0;
    const summary = await convertFakeddit({
      files: {
        train: values.train ?? inSource('multimodal_train.tsv'),
        val: values.val ?? inSource('multimodal_validate.tsv'),
        test: values.test ?? inSource('multimodal_test_public.tsv'),
      },
      dir: values.dir,
      text: values.text as FakedditText,
      sample: values.sample,
      seed: values.seed,
      imagesDir: values.images_dir,
      download: values.download,
      retryAll: values.retry_all,
      sharedRows: values.shared_rows,
      maxFailedShare: values.max_failed_share,
      limits: {
        minSide: values.min_side,
        maxPixels: values.max_pixels,
        placeholders: await readHashes(values.placeholders),
      },
      network: {
        concurrency: values.concurrency,
        perHost: values.per_host,
        intervalMs: values.interval_ms,
        timeoutMs: values.timeout_s * 1000,
        retries: values.retries,
        backoffMs: values.backoff_ms,
        maxWaitMs: values.max_wait_s * 1000,
        maxBytes: values.max_mebibytes * 2 ** 20,
        userAgent: values.user_agent,
      },
      onStart: (rows) => (progress = createProgress('rows', rows)),
      onRow: ({ fate }) => {
        if (fate === 'kept') kept++;
        progress?.tick(`${kept} kept`);
      },
    });
    progress?.end();
    report(summary, values.dir);
  },
});
