import { access } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, createRandom } from '@crosscheck/contract';
import { noteImageRoots, relativeImage, writeManifestFile } from '@crosscheck/data';
import { forEachConcurrently, writeWhole } from '@crosscheck/files';
import { type DownloadOptions, downloadAll } from '../download/download.ts';
import { type Fate, fates } from '../download/fates.ts';
import { type Ledger, type LedgerEntry, openLedger } from '../download/ledger.ts';
import { requireKept } from '../download/require-kept.ts';
import { computeSurvival, type SurvivalReport } from '../download/survival.ts';
import { countFates } from '../sources/write-source.ts';
import { findLocalPicture, isStillThere, judgePicture, type PictureLimits } from './keep-picture.ts';
import { type FakedditRow, type FakedditText, readFakedditRows } from './read-rows.ts';

export interface FakedditOptions {
  /** TSV file per split. */
  files: Record<string, string>;
  /** Receives `<split>.csv`, `images/`, `ledger.jsonl`, `survival.json`. */
  dir: string;
  text: FakedditText;
  /** Rows drawn per split; -1 is all. */
  sample: number;
  seed: number;
  /** A folder with pictures named by id, looked into before the network. */
  imagesDir: string | null;
  /** Whether pictures that are not in `imagesDir` are fetched. */
  download: boolean;
  /** Whether failures that an earlier run took for final are tried again. */
  retryAll: boolean;
  /** A picture that at least so many kept rows share is taken for a placeholder; 0 turns this off. */
  sharedRows: number;
  /** When more than this share of the rows fails, or all, no CSV is written. @default no limit */
  maxFailedShare?: number;
  limits: PictureLimits;
  network: DownloadOptions;
  /** Told how many rows there are, then after every row. */
  onStart?: (rows: number) => void;
  onRow?: (entry: LedgerEntry) => void;
}

export interface FakedditSummary {
  /** Kept rows per split. */
  kept: Record<string, number>;
  rows: number;
  fates: Partial<Record<Fate, number>>;
  survival: SurvivalReport;
  /** Rows whose fate another run may change. */
  mayComeBack: number;
}

interface Task {
  split: string;
  row: FakedditRow;
  url: string;
}

/**
 * Turns Fakeddit's TSV files into manifests with pictures. Every row gets a fate in `ledger.jsonl` as soon as it is known; another run
 * goes on where the last one stopped, and asks again for what may have been a passing failure.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_LABEL_MEANING, CROSSCHECK_DATA_TOO_MANY_FAILED
 */
export async function convertFakeddit(options: FakedditOptions): Promise<FakedditSummary> {
  const tasks = await readTasks(options);
  const ledger = await openLedger(path.join(options.dir, 'ledger.jsonl'));
  const entries = new Map<Task, LedgerEntry>();
  options.onStart?.(tasks.length);
  const settle = (task: Task, facts: Partial<LedgerEntry> & Pick<LedgerEntry, 'fate'>, isNew = true) => {
    const entry = { ...blankEntry(task), ...facts };
    entries.set(task, entry);
    if (isNew) ledger.record(entry);
    options.onRow?.(entry);
  };
  const open = await settleWithoutNetwork(tasks, ledger, options, settle);
  await downloadAll(open, options.network, async (task, download) => {
    if ('fate' in download) return settle(task, download);
    const facts = await judgePicture(download.bytes, options.limits);
    settle(task, { ...(await keep(task, facts, download.bytes)), attempts: download.attempts });
  });
  const all = tasks.map((task) => entries.get(task) as LedgerEntry);
  if (options.sharedRows > 0) refuseSharedPictures(all, options.sharedRows);
  await ledger.finish(all);
  const { dir, maxFailedShare } = options;
  if (maxFailedShare !== undefined) requireKept(all, maxFailedShare, path.join(dir, 'ledger.jsonl'));
  return writeResults(tasks, all, options);

  async function keep(task: Task, { extension, ...facts }: Awaited<ReturnType<typeof judgePicture>>, bytes: Buffer) {
    if (extension === null) return facts;
    const image = `images/${task.split}/${fileName(task.row.id)}.${extension}`;
    writeWhole(path.join(options.dir, image), bytes);
    return { ...facts, image };
  }
}

/** Ids come from a file of strangers: only harmless characters may become a file name. */
function fileName(id: string): string {
  return encodeURIComponent(id).replaceAll('.', '%2E');
}

async function readTasks({ files, text, sample, seed }: FakedditOptions): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const [split, file] of Object.entries(files)) {
    await access(file).catch(() => {
      throw new CrosscheckError(
        'CROSSCHECK_DATA_NOT_FOUND',
        `expected Fakeddit's TSV for ${split} at ${path.resolve(file)}, got nothing; download it from Fakeddit's page and set source=<its folder>, or ${split}=<file>`,
      );
    });
    const rows = await readFakedditRows(file, text);
    const drawn = sample < 0 ? rows : drawRows(rows, sample, seed, split);
    for (const row of drawn) tasks.push({ split, row, url: row.url });
  }
  return tasks;
}

/** A random subset, in the file's order. */
function drawRows(rows: FakedditRow[], count: number, seed: number, split: string): FakedditRow[] {
  const order = createRandom(seed, 'fakeddit sample', split).shuffle([...rows.keys()]);
  const drawn = new Set(order.slice(0, count));
  return rows.filter((_, i) => drawn.has(i));
}

function blankEntry({ split, row, url }: Task): LedgerEntry {
  const { id, line, label, domain } = row;
  const nothing = { detail: '', attempts: 0, image: null, sha256: null, bytes: null, width: null, height: null };
  return { split, id, line, label, domain, url, fate: 'no_url', ...nothing };
}

type Settle = (task: Task, facts: Partial<LedgerEntry> & Pick<LedgerEntry, 'fate'>, isNew?: boolean) => void;

const CONCURRENT_READS = 8;

/** Settles what the row itself, an earlier run or the local pictures decide; returns what must be fetched. */
async function settleWithoutNetwork(
  tasks: readonly Task[],
  ledger: Ledger,
  options: FakedditOptions,
  settle: Settle,
): Promise<Task[]> {
  const open: Task[] = [];
  await forEachConcurrently(tasks, CONCURRENT_READS, async (task) => {
    const { row, split, url } = task;
    if (row.fate !== null) return settle(task, { fate: row.fate, detail: row.detail });
    const earlier = ledger.earlier(split, row.id);
    if (earlier && (await isStillTrue(earlier, task, options))) {
      // The line and the label are those of this run's file.
      return settle(task, { ...earlier, line: row.line, label: row.label }, false);
    }
    const local = options.imagesDir === null ? null : await findLocalPicture(options.imagesDir, row.id);
    if (local) {
      const { extension, ...facts } = await judgePicture(local.bytes, options.limits);
      return settle(task, { ...facts, ...(extension !== null && { image: relativeImage(options.dir, local.file) }) });
    }
    if (!isFetchable(url)) return settle(task, { fate: 'no_url', detail: url === '' ? 'no address' : `"${url}"` });
    if (options.download) open.push(task);
    else settle(task, { fate: 'unreachable', detail: 'not fetched: download=false' });
  });
  return open;
}

function isFetchable(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** Whether what an earlier run wrote may stand. A shared picture is judged anew, because there may be more or fewer rows now. */
async function isStillTrue(earlier: LedgerEntry, { url }: Task, options: FakedditOptions): Promise<boolean> {
  if (earlier.url !== url) return false;
  if (earlier.image !== null) {
    const isThere = await isStillThere(path.join(options.dir, earlier.image), earlier.bytes);
    if (isThere && earlier.fate === 'shared_picture') Object.assign(earlier, { fate: 'kept', detail: '' });
    return isThere;
  }
  return fates[earlier.fate].final && !options.retryAll;
}

/** Many rows with one picture: a deleted one's stand-in, a logo, a thumbnail of nothing. Changes the entries. */
function refuseSharedPictures(entries: readonly LedgerEntry[], atLeast: number): void {
  const kept = entries.filter(({ fate, sha256 }) => fate === 'kept' && sha256 !== null);
  for (const rows of Map.groupBy(kept, ({ sha256 }) => sha256).values()) {
    if (rows.length < atLeast) continue;
    for (const row of rows)
      Object.assign(row, { fate: 'shared_picture', detail: `${rows.length} rows share this picture` });
  }
}

async function writeResults(tasks: Task[], entries: LedgerEntry[], options: FakedditOptions): Promise<FakedditSummary> {
  const kept: Record<string, number> = {};
  for (const split of Object.keys(options.files)) {
    const rows = tasks.flatMap((task, i) => {
      const entry = entries[i] as LedgerEntry;
      return task.split === split && entry.fate === 'kept' ? [manifestRow(task.row, entry)] : [];
    });
    kept[split] = rows.length;
    await writeManifestFile(path.join(options.dir, `${split}.csv`), rows, [...columns]);
  }
  const images = entries.flatMap(({ image }) => (image === null ? [] : [path.join(options.dir, image)]));
  await noteImageRoots(options.dir, images);
  const survival = computeSurvival(entries);
  writeWhole(path.join(options.dir, 'survival.json'), `${JSON.stringify(survival, null, 2)}\n`);
  const mayComeBack = entries.filter(({ fate }) => !fates[fate].final).length;
  return { kept, rows: entries.length, fates: countFates(entries), survival, mayComeBack };
}

// The original converter's columns in its order, and the hash of the picture.
const copied = [
  'author',
  'clean_title',
  'created_utc',
  'domain',
  'hasImage',
  'linked_submission_id',
  'num_comments',
].concat(['score', 'subreddit', 'title', 'upvote_ratio', '2_way_label', '3_way_label', '6_way_label', 'image_url']);
const columns = ['image_path', 'text_content', 'label', ...copied, 'image_id', 'image_sha256'];

function manifestRow({ id, text, label, cells }: FakedditRow, { image, sha256 }: LedgerEntry) {
  const own = { image_path: image, text_content: text, label };
  const others = Object.fromEntries(copied.map((name) => [name, cells[name] ?? '']));
  return { ...own, ...others, image_id: id, image_sha256: sha256 };
}
