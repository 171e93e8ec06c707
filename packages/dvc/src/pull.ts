import { constants } from 'node:fs';
import { chmod, copyFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { replaceFile } from '@crosscheck/files';
import type { ObjectStore } from '@crosscheck/storage';
import { Cache } from './cache.ts';
import { type DvcConfig, findRoot, readDvcConfig } from './dvc-config.ts';
import { type Out, readDvcFile } from './dvc-file.ts';
import { eachOf } from './each.ts';
import { findDvcFiles } from './find-dvc-files.ts';
import { type DvcObject, isObject, keyOf, md5sOf, type PlacedFile, readListing } from './objects.ts';
import { openRemote } from './remote.ts';
import { requireNoWayOut } from './safe-path.ts';

export interface PullOptions {
  /** Where the search for `.dvc/` begins. */
  cwd: string;
  /** `.dvc` files, or the paths that they track; none = every one of the repository. */
  targets?: readonly string[];
  /** Null = the default of `.dvc/config`. */
  remote?: string | null;
  /** Transfers at a time. @default 16 */
  jobs?: number;
  /** Replace files that differ and that no cache keeps. @default false */
  force?: boolean;
  watcher?: PullWatcher;
}

/** Is told how far a pull is. */
export interface PullWatcher {
  /** What is to be brought; `bytes` is an estimate. */
  start(total: { files: number; bytes: number }): void;
  /** So many more came from the remote. */
  bytes(count: number): void;
  /** One more file is in its place. */
  file(): void;
}

export interface PullSummary {
  /** The `.dvc` files that were looked at. */
  dvcFiles: string[];
  /** Files that they track. */
  files: number;
  /** That were not there before. */
  placed: number;
  /** That came over the network. */
  fetchedBytes: number;
}

/**
 * Does what `dvc pull` does, without Python: brings what `.dvc` files name from the remote into DVC's cache, md5 checked, and puts it into
 * the working tree. Interrupted, it goes on where it stopped.
 *
 * @throws CROSSCHECK_DVC_NO_REPOSITORY, CROSSCHECK_DVC_BAD_FILE, CROSSCHECK_DVC_BAD_LISTING, CROSSCHECK_DVC_NO_REMOTE,
 * CROSSCHECK_DVC_REMOTE_UNSUPPORTED, CROSSCHECK_DVC_NOT_IN_REMOTE, CROSSCHECK_DVC_MD5_MISMATCH, CROSSCHECK_DVC_WOULD_OVERWRITE,
 * CROSSCHECK_DVC_UNKNOWN_TARGET, CROSSCHECK_DVC_UNSAFE_PATH, CROSSCHECK_DVC_CONFLICT, and `CROSSCHECK_STORAGE_…`
 */
export async function pull(options: PullOptions): Promise<PullSummary> {
  const config = await readDvcConfig(findRoot(options.cwd));
  const outs = await selectOuts(config.root, options);
  const cache = new Cache(config.cacheDir);
  const remoteOf = remotesByOut(config, options.remote ?? null);
  const [jobs, force] = [options.jobs ?? 16, options.force ?? false];
  let fetchedBytes = 0;
  const onBytes = (bytes: number) => {
    fetchedBytes += bytes;
    options.watcher?.bytes(bytes);
  };

  const tracked: { file: PlacedFile; out: Out }[] = [];
  // Before anything is asked of a remote, and again when the folders' files are known.
  await requireNoWayOut(config.root, outs.map(folderOf));
  for (const out of outs) {
    for (const file of await filesOf(out, cache, remoteOf)) tracked.push({ file, out });
  }
  requireOneEach(tracked);
  await requireNoWayOut(
    config.root,
    tracked.map(({ file, out }) => folderOf({ ...file, from: out.from })),
  );
  const missing: typeof tracked = [];
  await eachOf(tracked, jobs, async (item) => {
    if (await mustBePlaced(item.file, cache, force)) missing.push(item);
  });
  options.watcher?.start({ files: missing.length, bytes: bytesOf(outs, tracked.length, missing.length) });
  await eachOf(distinct(missing), jobs, ({ file, out }) => fetchUnlessThere(cache, remoteOf, { file, out, onBytes }));
  await eachOf(missing, jobs, async ({ file }) => {
    await place(cache.fileOf(file), file.path);
    options.watcher?.file();
  });
  return {
    dvcFiles: [...new Set(outs.map((out) => out.from))],
    files: tracked.length,
    placed: missing.length,
    fetchedBytes,
  };
}

async function selectOuts(root: string, { cwd, targets = [] }: PullOptions): Promise<Out[]> {
  const outs = (await Promise.all((await findDvcFiles(root)).map((file) => readDvcFile(file, root)))).flat();
  if (targets.length === 0) return outs;
  return targets.flatMap((target) => {
    const wanted = path.resolve(cwd, target);
    const found = outs.filter((out) => out.from === wanted || out.path === wanted);
    if (found.length > 0) return found;
    const message = `expected a .dvc file or a path that one tracks, got ${target}; there are ${outs.map((out) => path.relative(cwd, out.from)).join(', ') || 'none'}`;
    throw new CrosscheckError('CROSSCHECK_DVC_UNKNOWN_TARGET', message);
  });
}

/** Opens a remote when something is first wanted from it: who has everything needs none. */
function remotesByOut(config: DvcConfig, chosen: string | null): (out: Out) => ObjectStore {
  const open = new Map<string | null, ObjectStore>();
  return ({ remote }) => {
    const name = chosen ?? remote;
    const store = open.get(name) ?? openRemote(config, name);
    open.set(name, store);
    return store;
  };
}

/** The folder that an out is written into. */
const folderOf = ({ path: name, isFolder, from }: Pick<Out, 'path' | 'isFolder' | 'from'>) => ({
  folder: isFolder ? name : path.dirname(name),
  name,
  from,
});

async function filesOf(out: Out, cache: Cache, remoteOf: (out: Out) => ObjectStore): Promise<PlacedFile[]> {
  if (!out.isFolder) return [out];
  if (!(await cache.has(out))) await cache.fetch(remoteOf(out), out);
  return readListing(await cache.text(out), out);
}

/** Two files cannot be in one place, nor one in another. @throws CROSSCHECK_DVC_CONFLICT */
function requireOneEach(tracked: readonly { file: PlacedFile; out: Out }[]): void {
  const known = new Map<string, { file: PlacedFile; out: Out }>();
  const conflict = (at: string, a: Out, b: Out) => {
    const message = `expected every file once, got two that want ${at} (${[...new Set([a.from, b.from])].join(' and ')}); track it in one place only`;
    throw new CrosscheckError('CROSSCHECK_DVC_CONFLICT', message);
  };
  for (const item of tracked) {
    const other = known.get(item.file.path);
    if (other && other.file.md5 !== item.file.md5) conflict(item.file.path, item.out, other.out);
    known.set(item.file.path, item);
  }
  for (const { file, out } of tracked) {
    for (let dir = path.dirname(file.path); dir !== path.dirname(dir); dir = path.dirname(dir)) {
      const other = known.get(dir);
      if (other) conflict(dir, out, other.out);
    }
  }
}

/** @throws CROSSCHECK_DVC_WOULD_OVERWRITE */
async function mustBePlaced(file: PlacedFile, cache: Cache, force: boolean): Promise<boolean> {
  const found = await stat(file.path).catch(() => null);
  if (found === null) return true;
  if (!found.isFile()) throw notAFile(file.path);
  if (await isObject(file.path, file)) return false;
  if (force || (await cache.has({ ...file, md5: (await md5sOf(file.path)).md5 }))) return true;
  const message = `expected ${file.path} as tracked (md5 ${file.md5}) or as DVC's cache keeps it, found other content that would be lost; move it away, \`dvc add\` it, or say force=true`;
  throw new CrosscheckError('CROSSCHECK_DVC_WOULD_OVERWRITE', message);
}

function notAFile(file: string): CrosscheckError {
  const message = `expected a file or nothing at ${file}, found a folder, a device or the like; move it away`;
  return new CrosscheckError('CROSSCHECK_DVC_WOULD_OVERWRITE', message);
}

function* distinct(items: readonly { file: PlacedFile; out: Out }[]) {
  const seen = new Set<string>();
  for (const item of items) {
    const key = keyOf(item.file);
    if (!seen.has(key)) yield item;
    seen.add(key);
  }
}

async function fetchUnlessThere(
  cache: Cache,
  remoteOf: (out: Out) => ObjectStore,
  { file, out, onBytes }: { file: DvcObject; out: Out; onBytes: (bytes: number) => void },
): Promise<void> {
  if (!(await cache.has(file))) await cache.fetch(remoteOf(out), file, onBytes);
}

/** Copy-on-write where the file system can; whole under its name or not there. */
async function place(from: string, to: string): Promise<void> {
  await replaceFile(to, async (temporary) => {
    // Nobody can have left a link under that name.
    await copyFile(from, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await chmod(temporary, 0o644);
  });
}

/** What is left to fetch, about: `.dvc` files know only the size of the whole. */
function bytesOf(outs: readonly Out[], tracked: number, missing: number): number {
  const all = outs.reduce((sum, out) => sum + out.bytes, 0);
  return tracked === 0 ? 0 : Math.round((all * missing) / tracked);
}
