import { existsSync } from 'node:fs';
import path from 'node:path';
import { readingOf, type TrainConfig } from '@crosscheck/config';
import { readManifest, readManifestColumns } from '@crosscheck/data';
import type { ComparedPost } from './parity/compare-artifacts.ts';
import type { ExportPosts } from './quantize/write-variant.ts';

/**
 * Posts of an export: test posts to measure the artifact on (where there is a test CSV), and for another precision than fp32 validation
 * posts to calibrate on and test posts to compare on. One CSV for all (`data.csv_file`) gives every second post to either, and none to
 * measure on, because training saw most of them. Posts without a picture or words are left out, the others spread evenly over the rows
 * that `data.n_rows` reads.
 */
export async function readExportPosts(config: TrainConfig): Promise<ExportPosts> {
  const shared = sharedFile(config);
  const { calibration_rows: calibrated, comparison_rows: compared, precision } = config.export;
  const isExact = precision === 'fp32';
  if (shared !== null) {
    const posts = isExact ? [] : await readPosts(config, shared, 'train');
    const half = (parity: number) => posts.filter((_, i) => i % 2 === parity);
    return { calibration: spreadByLabel(half(0), calibrated), comparison: spread(half(1), compared), evaluation: [] };
  }
  const read = (split: 'val' | 'test') => readPosts(config, fileOf(config, split), split);
  const test = isExact && !existsSync(fileOf(config, 'test')) ? [] : spread(await read('test'), compared);
  return {
    calibration: isExact ? [] : spreadByLabel(await read('val'), calibrated),
    comparison: test,
    evaluation: test,
  };
}

/** One CSV for all; `/`, as in the original's config, means none. */
const sharedFile = ({ data }: TrainConfig) => (data.csv_file === '/' ? null : data.csv_file);

const fileOf = ({ data }: TrainConfig, split: 'val' | 'test') =>
  data[`${split}_file`] ?? path.join(data.root_dir, `${split}.csv`);

/**
 * Names of columns are checked before the checkpoint is read. Posts of an export need no labels, but a label column that was named must be there.
 *
 * @throws CROSSCHECK_DATA_MISSING_COLUMN
 */
export async function checkColumns(config: TrainConfig): Promise<void> {
  const shared = sharedFile(config);
  const isExact = config.export.precision === 'fp32';
  if (isExact && (shared !== null || !existsSync(fileOf(config, 'test')))) return;
  const labelRequired = config.data.label_column !== usualLabelColumn;
  const file = shared ?? fileOf(config, 'test');
  await readManifestColumns({ file, ...readingOf(config, shared === null ? 'test' : 'train'), labelRequired });
}

const usualLabelColumn = 'label';

async function readPosts(config: TrainConfig, file: string, split: 'train' | 'val' | 'test'): Promise<ComparedPost[]> {
  const { samples } = await readManifest({
    file,
    ...readingOf(config, split),
    labelRequired: false,
    partialPosts: true,
  });
  const whole = samples.filter(({ text, imagePath }) => text !== '' && imagePath !== '');
  return whole.map(({ text, imagePath, label }) => ({ text, image: imagePath, label }));
}

/** At most `count` posts, as many of either label as there are, each at equal distances over all rows. */
function spreadByLabel(posts: readonly ComparedPost[], count: number): ComparedPost[] {
  const [real, fake] = ([0, 1] as const).map((label) => posts.filter((post) => post.label === label));
  if (!real?.length || !fake?.length) return spread(posts, count);
  const ofReal = Math.max(Math.ceil(count / 2), count - fake.length);
  const chosen = new Set([...spread(real, ofReal), ...spread(fake, count - Math.min(ofReal, real.length))]);
  return posts.filter((post) => chosen.has(post));
}

/** At most `count` items at equal distances. */
function spread<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)] as T);
}
