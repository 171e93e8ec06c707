import { access } from 'node:fs/promises';
import path from 'node:path';
import { type Option, print } from '@crosscheck/contract';
import { runDataCommand } from '../command-line.ts';
import { createProgress, type Progress } from '../progress.ts';
import { columnOptions, readingOf, readingOptions } from '../reading-options.ts';
import { type LimitProfile, limitProfiles } from '../split/profile.ts';
import { type SplitSummary, splitData } from '../split/split-data.ts';

const options = {
  root_dir: { default: 'data', help: 'its train.csv, val.csv and test.csv are pooled, as far as they exist' },
  files: { default: null, help: 'CSV files instead, separated by commas' },
  ...columnOptions,
  ...readingOptions,
  dir: { default: 'data/split', help: 'receives train.csv, val.csv, test.csv, dropped.csv, split.json' },
  train: { default: 0.8, help: 'share of the posts' },
  val: { default: 0.1, help: 'share of the posts' },
  test: { default: 0.1, help: 'share of the posts' },
  seed: { default: 42, help: 'the same seed and posts give the same splits' },
  group_column: { default: null, help: 'rows with the same value stay on one side; several separated by commas' },
  stratify_column: { default: null, help: 'divided evenly besides the label; several separated by commas' },
  near_text: {
    default: true,
    help: 'posts that share four fifths of their words stay on one side, too, as far as the shares allow',
  },
  profile: {
    default: null,
    choices: [...limitProfiles, 'null'],
    help: 'out_of_context: pictures and words repeat by design; null = what the posts look like',
  },
  clean: { default: true, help: 'leave out faulty, contradicting and repeated posts' },
  min_side: { default: 32, help: 'pixels below which a picture is tiny' },
  shared_rows: {
    default: -1,
    min: -1,
    help: 'a picture that so many rows share is a placeholder; 0 = never, -1 = 10, and never in profile=out_of_context',
  },
} satisfies Record<string, Option>;

const write = print;
const list = (value: string | null) => (value === null ? [] : value.split(',').map((name) => name.trim()));

async function findFiles(rootDir: string): Promise<string[]> {
  const files = ['train', 'val', 'test'].map((split) => path.join(rootDir, `${split}.csv`));
  const exist = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const found = files.filter((_, i) => exist[i]);
  return found.length > 0 ? found : files.slice(0, 1);
}

const nameOf = { picture: '', near_picture: '', text: 'the same words', near_text: 'nearly the same words' };

function* describe({
  splits,
  dropped,
  largestGroup,
  unbound,
  profile,
  repeats,
  notes,
}: SplitSummary): Generator<string> {
  yield* notes;
  for (const [name, { rows, byLabel, groups, sha256 }] of Object.entries(splits)) {
    const labels = Object.entries(byLabel).map(([label, count]) => `${count} ${label}`);
    yield `${name.padEnd(6)} ${rows} posts in ${groups} groups: ${labels.join(', ')}; sha256 ${sha256.slice(0, 12)}`;
  }
  const reasons = Object.entries(dropped).map(([reason, rows]) => `${rows} ${reason}`);
  yield `left out: ${reasons.join(', ') || 'nothing'}; largest group: ${largestGroup} posts`;
  if (dropped['placeholder picture'] !== undefined) {
    yield 'placeholder pictures may be pictures that repeat by design: profile=out_of_context keeps those that many rows share';
  }
  for (const likeness of unbound) {
    yield `posts with ${nameOf[likeness]} may stand on both sides: chains of them join too many posts for the shares asked for`;
  }
  if (profile === 'out_of_context') {
    yield `profile=out_of_context: ${(100 * repeats).toFixed(1)} % of the posts repeat a picture or the words of another one; the audit's limits let them`;
  }
}

await runDataCommand({
  name: 'data:split',
  summary: 'Divides posts into splits that nothing leaks between, and leaves out what is no good.',
  options,
  async main(values) {
    let progress: Progress | undefined;
    const { imagesDir, ...columns } = {
      imagesDir: values.images_dir,
      textColumn: values.text_column,
      imageColumn: values.image_column,
      labelColumn: values.label_column,
    };
    const summary = await splitData({
      files: values.files === null ? await findFiles(values.root_dir) : list(values.files),
      columns: { ...columns, ...readingOf(values), ...(imagesDir !== null && { imagesDir }) },
      dir: values.dir,
      shares: { train: values.train, val: values.val, test: values.test },
      seed: values.seed,
      groupColumns: list(values.group_column),
      stratifyColumns: list(values.stratify_column),
      nearTexts: values.near_text,
      profile: values.profile as LimitProfile | null,
      clean: values.clean,
      inspect: {
        minSide: values.min_side,
        ...(values.shared_rows >= 0 && { sharedRows: values.shared_rows }),
        onPicture(_, total) {
          progress ??= createProgress('pictures', total);
          progress.tick();
        },
      },
    });
    progress?.end();
    for (const line of describe(summary)) write(line);
    write(`wrote ${path.join(values.dir, 'train.csv')}, val.csv, test.csv, dropped.csv and split.json`);
    write(`Next: pnpm data:audit root_dir=${values.dir} --strict`);
  },
});
