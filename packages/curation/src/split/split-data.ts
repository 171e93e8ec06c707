import path from 'node:path';
import { CrosscheckError, labelNames, nearest } from '@crosscheck/contract';
import {
  countUnknownWords,
  type ManifestOptions,
  noteImageRoots,
  readManifest,
  relativeImage,
  type SampleProblem,
  writeManifestFile,
} from '@crosscheck/data';
import { sha256OfFile, writeWhole } from '@crosscheck/files';
import { describeUnknownWords } from '@crosscheck/posts';
import type { Groups } from '../fingerprint/groups.ts';
import { type Duplicates, findDuplicates, type Likeness } from '../inspect/find-duplicates.ts';
import { findIdColumn } from '../inspect/id-columns.ts';
import { type InspectedPost, type InspectOptions, inspectPosts } from '../inspect/inspect-posts.ts';
import { type DropReason, findDrops } from './clean-posts.ts';
import { dividePosts } from './divide-posts.ts';
import { type LimitProfile, mostRepeats, sharedRowsOf } from './profile.ts';

export interface SplitOptions {
  /** CSV files whose rows are pooled. */
  files: readonly string[];
  columns?: Omit<ManifestOptions, 'file' | 'nRows' | 'labelRequired' | 'partialPosts' | 'onBadSample'>;
  /** Receives one CSV per split, `dropped.csv` and `split.json`. */
  dir: string;
  /** Share of the rows by split; they add up to 1, zero leaves a split out. */
  shares: Readonly<Record<string, number>>;
  seed: number;
  /** Rows with the same value in one of these stay on one side; blank values bind nothing. */
  groupColumns: readonly string[];
  /** Divided evenly besides the label. */
  stratifyColumns: readonly string[];
  /** Whether posts that share four fifths of their words stay on one side, too, as far as the shares allow. */
  nearTexts: boolean;
  /** What the limits of the audit will be; null = what the posts look like. */
  profile?: LimitProfile | null;
  /** Whether faulty, contradicting and repeated posts are left out. */
  clean: boolean;
  inspect?: InspectOptions;
}

export interface SplitSummary {
  seed: number;
  shares: Readonly<Record<string, number>>;
  sources: { file: string; sha256: string; rows: number }[];
  /** What should be said of the files that were read. */
  notes: string[];
  splits: Record<
    string,
    { file: string; sha256: string; rows: number; byLabel: Record<string, number>; groups: number }
  >;
  groups: number;
  largestGroup: number;
  /** Whose limits `pnpm data:audit` holds these splits against. */
  profile: LimitProfile;
  /** Share of the posts that repeat a picture or the words of another one. */
  repeats: number;
  /** Likenesses that could not keep posts on one side, because they join too many. */
  unbound: Likeness[];
  dropped: Partial<Record<DropReason, number>>;
}

/**
 * Divides posts into splits that nothing leaks between: posts with the same or nearly the same picture, the same words, or the same
 * value in a chosen column stay on one side; labels are divided evenly. The same posts and the same seed give the same splits,
 * whatever the order of the rows. Inputs are not changed.
 *
 * @throws CROSSCHECK_DATA_BAD_OPTION, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_SPLIT_OVERWRITES, CROSSCHECK_DATA_NO_SAMPLES
 */
export async function splitData(options: SplitOptions): Promise<SplitSummary> {
  checkShares(options.shares);
  refuseOverwriting(options);
  const { samples, problems, sources, notes, idColumns } = await readAll(options);
  const sharedRows = options.inspect?.sharedRows ?? sharedRowsOf[options.profile ?? 'default'];
  const posts = await inspectPosts({ all: samples }, { ...options.inspect, sharedRows });
  const duplicates = findDuplicates(posts);
  const drops = options.clean ? findDrops(posts, duplicates) : new Map<number, DropReason>();
  const kept = [...posts.keys()].filter((i) => !drops.has(i));
  if (kept.length === 0) throw nothingLeft(options.files);
  const repeats = shareOfRepeats(kept, duplicates);
  const profile = profileOf(options, repeats);
  const groupColumns = [...options.groupColumns, ...idColumns];
  const { groups, members, assigned, unbound } = dividePosts(posts, kept, duplicates, {
    ...options,
    profile,
    groupColumns,
  });
  const splitOf = new Map(members.flatMap((group, g) => group.map((i) => [i, assigned[g] as string] as const)));
  await writeDropped(options.dir, posts, drops, problems);
  const splits: SplitSummary['splits'] = {};
  for (const name of namesOf(options.shares)) {
    const mine = kept.filter((i) => splitOf.get(i) === name);
    splits[name] = await writeSplit(name, mine, { posts, groups, options });
  }
  const dropped = Object.groupBy(
    [...problems.map((): DropReason => 'unusable'), ...drops.values()],
    (reason) => reason,
  );
  const summary: SplitSummary = {
    seed: options.seed,
    shares: options.shares,
    sources,
    notes,
    splits,
    groups: members.length,
    largestGroup: members.reduce((largest, group) => Math.max(largest, group.length), 0),
    profile,
    repeats,
    unbound,
    dropped: Object.fromEntries(Object.entries(dropped).map(([reason, rows]) => [reason, rows.length])),
  };
  writeWhole(path.join(options.dir, 'split.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

const namesOf = (shares: SplitOptions['shares']) => Object.keys(shares).filter((name) => (shares[name] as number) > 0);

function checkShares(shares: SplitOptions['shares']): void {
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) < 1e-6 && Object.values(shares).every((share) => share >= 0)) return;
  const given = Object.entries(shares).map(([name, share]) => `${name}=${share}`);
  throw new CrosscheckError(
    'CROSSCHECK_DATA_BAD_OPTION',
    `expected shares that add up to 1, got ${given.join(' ')}, which add up to ${Number(sum.toFixed(6))}`,
  );
}

function refuseOverwriting({ files, dir, shares }: SplitOptions): void {
  const outputs = new Set(namesOf(shares).map((name) => path.resolve(dir, `${name}.csv`)));
  const clash = files.find((file) => outputs.has(path.resolve(file)));
  if (clash === undefined) return;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_SPLIT_OVERWRITES',
    `expected another folder than that of the rows, got dir=${dir}, where ${clash} would be overwritten; choose another dir`,
  );
}

function nothingLeft(files: readonly string[]): CrosscheckError {
  const message = `expected posts to divide in ${files.join(', ')}, got none that is sound; see dropped.csv, or set clean=false`;
  return new CrosscheckError('CROSSCHECK_DATA_NO_SAMPLES', message);
}

async function readAll({ files, columns, groupColumns, stratifyColumns }: SplitOptions) {
  const all = { samples: [], problems: [], sources: [], notes: [], idColumns: new Set() } as {
    samples: InspectedPost['sample'][];
    problems: SampleProblem[];
    sources: SplitSummary['sources'];
    notes: string[];
    /** Of posts that are the same wherever they stand. */
    idColumns: Set<string>;
  };
  for (const file of files) {
    const manifest = await readManifest({ file, ...columns, onBadSample: 'skip' });
    const { samples, problems, digest, columns: present, notes } = manifest;
    requireKnownLabels(file, problems, columns);
    for (const name of [...groupColumns, ...stratifyColumns])
      if (!present.includes(name)) throw missing(name, present, file);
    const idColumn = findIdColumn(present);
    if (idColumn !== undefined) all.idColumns.add(idColumn);
    all.samples.push(...samples);
    all.problems.push(...problems);
    all.notes.push(...notes);
    all.sources.push({ file, sha256: digest, rows: samples.length + problems.length });
  }
  return all;
}

/** Rows that are left out because nobody said what their label means are no rows that are no good. */
function requireKnownLabels(file: string, problems: readonly SampleProblem[], columns: SplitOptions['columns']): void {
  const { labelColumn = 'label', keys = 'data.' } = columns ?? {};
  const unknown = countUnknownWords(problems, labelColumn);
  if (unknown.size === 0) return;
  const message = `expected labels that are known in ${file}, got ${describeUnknownWords(unknown, keys)}`;
  throw new CrosscheckError('CROSSCHECK_DATA_BAD_LABEL', message);
}

function missing(name: string, present: readonly string[], file: string): CrosscheckError {
  const near = nearest(name, present);
  return new CrosscheckError(
    'CROSSCHECK_DATA_MISSING_COLUMN',
    `expected column "${name}" in ${file}, got ${present.join(', ')}${near === undefined ? '' : `; nearest: "${near}"`}; correct group_column or stratify_column`,
  );
}

/** Share of the kept posts whose picture, or nearly so, or words occur in another kept one. */
function shareOfRepeats(kept: readonly number[], { near_picture, text }: Duplicates): number {
  const repeated = [near_picture, text].flatMap((groups) =>
    [...Map.groupBy(kept, groups.leaderOf).values()].filter((group) => group.length > 1).flat(),
  );
  return new Set(repeated).size / kept.length;
}

/** Once repeated posts are left out, what still repeats is paired anew. */
function profileOf({ profile, clean }: SplitOptions, repeats: number): LimitProfile {
  return profile ?? (clean && repeats > mostRepeats ? 'out_of_context' : 'default');
}

async function writeSplit(
  name: string,
  mine: readonly number[],
  { posts, groups, options }: { posts: readonly InspectedPost[]; groups: Groups; options: SplitOptions },
) {
  const { imageColumn = 'image_path', labelColumn = 'label', textColumn = 'text_content' } = options.columns ?? {};
  const rows = mine.map((i) => {
    const { sample, picture } = posts[i] as InspectedPost;
    const { [textColumn]: _, [imageColumn]: __, [labelColumn]: ___, ...rest } = sample.row;
    const own = {
      text_content: sample.text,
      image_path: relativeImage(options.dir, sample.imagePath),
      label: sample.label,
    };
    // A column that was not read, but has the name of one that is written, keeps its cells under another name.
    const others = Object.fromEntries(
      Object.entries(rest).map(([column, cell]) => [column in own ? `original_${column}` : column, cell]),
    );
    return { ...own, ...others, image_sha256: picture?.sha256 ?? '', split_group: groups.leaderOf(i) };
  });
  const file = path.join(options.dir, `${name}.csv`);
  await writeManifestFile(file, rows);
  await noteImageRoots(
    options.dir,
    mine.map((i) => (posts[i] as InspectedPost).sample.imagePath),
  );
  const byLabel = Object.fromEntries(
    labelNames.map((label, id) => [label, rows.filter((row) => row.label === id).length]),
  );
  return {
    file,
    sha256: await sha256OfFile(file),
    rows: rows.length,
    byLabel,
    groups: new Set(mine.map(groups.leaderOf)).size,
  };
}

/** Every row that is in no split, with its file, its line and the reason. */
async function writeDropped(
  dir: string,
  posts: readonly InspectedPost[],
  drops: ReadonlyMap<number, DropReason>,
  problems: readonly SampleProblem[],
): Promise<void> {
  const rows = [
    ...problems.map(({ file, line, message }) => ({ file, line, reason: 'unusable', detail: message })),
    ...[...drops].map(([i, reason]) => {
      const { sample, detail } = posts[i] as InspectedPost;
      return { file: sample.file, line: sample.line, reason, detail: detail || sample.text };
    }),
  ];
  await writeManifestFile(path.join(dir, 'dropped.csv'), rows, ['file', 'line', 'reason', 'detail']);
}
