import { access } from 'node:fs/promises';
import path from 'node:path';
import { runDataCommand } from '../command-line.ts';
import { createProgress, type Progress } from '../progress.ts';
import { splitData } from '../split/split-data.ts';

const options = {
  root_dir: { default: 'data', help: 'its train.csv, val.csv and test.csv are pooled, as far as they exist' },
  files: { default: null, help: 'CSV files instead, separated by commas' },
  images_dir: {
    default: null,
    help: 'what relative picture paths resolve against; null = the folder of each CSV, or images/<split> in it',
  },
  text_column: { default: 'text_content', help: 'name of the column with the words' },
  image_column: { default: 'image_path', help: 'name of the column with the picture' },
  label_column: { default: 'label', help: 'name of the column with 0 = REAL, 1 = FAKE' },
  dir: { default: 'data/split', help: 'receives train.csv, val.csv, test.csv, dropped.csv, split.json' },
  train: { default: 0.8, help: 'share of the posts' },
  val: { default: 0.1, help: 'share of the posts' },
  test: { default: 0.1, help: 'share of the posts' },
  seed: { default: 42, help: 'the same seed and posts give the same splits' },
  group_column: { default: null, help: 'rows with the same value stay on one side; several separated by commas' },
  stratify_column: { default: null, help: 'divided evenly besides the label; several separated by commas' },
  near_text: { default: false, help: 'posts that share four fifths of their words stay on one side, too' },
  clean: { default: true, help: 'leave out faulty, contradicting and repeated posts' },
  min_side: { default: 32, help: 'pixels below which a picture is tiny' },
  shared_rows: { default: 10, help: 'a picture that so many rows share is a placeholder; 0 = never' },
};

const write = (text: string) => void process.stdout.write(`${text}\n`);
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
      columns: { ...columns, ...(imagesDir !== null && { imagesDir }) },
      dir: values.dir,
      shares: { train: values.train, val: values.val, test: values.test },
      seed: values.seed,
      groupColumns: list(values.group_column),
      stratifyColumns: list(values.stratify_column),
      nearTexts: values.near_text,
      clean: values.clean,
      inspect: {
        minSide: values.min_side,
        sharedRows: values.shared_rows,
        onPicture(_, total) {
          progress ??= createProgress('pictures', total);
          progress.tick();
        },
      },
    });
    progress?.end();
    for (const [name, { rows, byLabel, groups, sha256 }] of Object.entries(summary.splits)) {
      const labels = Object.entries(byLabel).map(([label, count]) => `${count} ${label}`);
      write(`${name.padEnd(6)} ${rows} posts in ${groups} groups: ${labels.join(', ')}; sha256 ${sha256.slice(0, 12)}`);
    }
    const dropped = Object.entries(summary.dropped).map(([reason, rows]) => `${rows} ${reason}`);
    write(`left out: ${dropped.join(', ') || 'nothing'}; largest group: ${summary.largestGroup} posts`);
    write(`wrote ${path.join(values.dir, 'train.csv')} and its sisters, dropped.csv, split.json`);
  },
});
