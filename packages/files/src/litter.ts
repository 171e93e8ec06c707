import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isRunning, markOf, markPattern, readMark, thisProcess } from './owner.ts';

// Every file is written under a temporary name first, which says whose it is: `.NAME.PLACE-PID-START-RANDOM.part`.
const ours = new RegExp(`\\.${markPattern}-[0-9a-f]{8}\\.part$`);
/** Names that earlier versions gave, which do not say whose they are. */
const earlier = /^\..+\.\d+-[0-9a-f]{8}\.tmp$|^\.unfinished-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Of those, and of processes elsewhere that share the folder, nothing is known: what was not written to for a day is nobody's. */
const forgottenMs = 24 * 3600 * 1000;
const longestName = 150;

const suffix = () => `${markOf(thisProcess())}-${randomBytes(4).toString('hex')}.part`;

/** True for names of files that are being written. */
export function isTemporary(name: string): boolean {
  return ours.test(name) || earlier.test(name);
}

const cleaned = new Set<string>();

/** A name beside `file` to write to before it is renamed. What killed processes left in that folder is removed the first time. */
export function temporaryBeside(file: string): string {
  const folder = path.dirname(path.resolve(file));
  if (!cleaned.has(folder)) cleanLitter(folder);
  cleaned.add(folder);
  return path.join(path.dirname(file), `.${path.basename(file).slice(0, longestName)}.${suffix()}`);
}

/** A folder of this process alone among the system's temporary files. Those of killed processes are removed. */
export function makeTemporaryFolder(purpose: string): string {
  const prefix = `crosscheck-${purpose}.`;
  if (!cleaned.has(prefix)) for (const left of litterIn(tmpdir(), { folders: prefix })) remove(left);
  cleaned.add(prefix);
  const folder = path.join(tmpdir(), `${prefix}${suffix()}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/**
 * Removes temporary files that killed processes of this user left in a folder; nothing of a process that runs, nothing of another name, and no
 * link. Nothing in here throws.
 */
export function cleanLitter(folder: string): void {
  for (const file of litterIn(folder)) remove(file);
}

/** What `cleanLitter` removes, or the folders of killed processes whose names begin so. */
export function litterIn(folder: string, { folders }: { folders?: string } = {}): string[] {
  const [kind, names] = [folders === undefined ? 'file' : 'folder', namesIn(folder)] as const;
  const candidates = names.filter((name) =>
    folders === undefined ? isTemporary(name) : name.startsWith(folders) && ours.test(name),
  );
  return candidates.map((name) => path.join(folder, name)).filter((file) => isNobodys(file, kind));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isNobodys(file: string, kind: 'file' | 'folder'): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found || !(kind === 'file' ? found.isFile() : found.isDirectory())) return false;
  if (process.getuid !== undefined && found.uid !== process.getuid()) return false;
  const owner = ours.test(file) ? readMark(file.slice(file.search(ours))) : null;
  const runs = owner === null ? null : isRunning(owner);
  return runs === null ? Date.now() - found.mtimeMs > forgottenMs : !runs;
}

function remove(file: string): void {
  try {
    rmSync(file, { recursive: true, force: true });
  } catch {
    // Of a folder that cannot be written; whoever writes there will say so.
  }
}
