import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrosscheckError, guardWriting } from '@crosscheck/contract';
import { cleanLitter, temporaryBeside } from './litter.ts';
import { isRunning, markOf, type Owner, readMark, thisProcess } from './owner.ts';

const lockFile = '.lock';

/** A holder shows every five seconds that it runs; one elsewhere that showed nothing for a minute is gone. */
const beatMs = 5000;

export interface LockOptions {
  /** How long a process in another container or on another machine, whose number says nothing here, is watched for a sign of life. @default 60000 */
  watchMs?: number;
}

const held = new Map<string, number>();

/**
 * Takes a folder for this process, and removes what killed processes left in it. A process may take a folder again that it has.
 *
 * A lock names its process by number, start and place, so that one of a dead process is taken over at once, whoever has that number now. Of
 * a process in another container or on another machine that shares the folder only its signs of life are seen: the lock's own time changes.
 *
 * @returns gives it back
 * @throws CROSSCHECK_RUN_FOLDER_IN_USE, CROSSCHECK_OUTPUT_UNWRITABLE
 */
export async function lockFolder(folder: string, { watchMs = 60_000 }: LockOptions = {}): Promise<() => void> {
  const file = path.join(path.resolve(folder), lockFile);
  if (!held.has(file)) {
    await takeLock(file, watchMs);
    cleanLitter(path.dirname(file));
  }
  held.set(file, (held.get(file) ?? 0) + 1);
  const beat = setInterval(() => showLife(file), beatMs).unref();
  return () => {
    clearInterval(beat);
    const others = (held.get(file) ?? 1) - 1;
    if (others > 0) held.set(file, others);
    else if (held.delete(file) && isMine(file)) rmSync(file, { force: true });
  };
}

async function takeLock(file: string, watchMs: number): Promise<void> {
  while (!tryToWrite(file)) {
    const holder = readHolder(file);
    if (await isHeld(file, holder, watchMs)) throw inUse(file, holder);
    takeAway(file, holder);
  }
}

function tryToWrite(file: string): boolean {
  return guardWriting(file, () => {
    try {
      writeFileSync(file, `${markOf(thisProcess())}\n`, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  });
}

function readHolder(file: string): Owner | null {
  try {
    return readMark(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

const isMine = (file: string) => {
  const holder = readHolder(file);
  return holder !== null && markOf(holder) === markOf(thisProcess());
};

async function isHeld(file: string, holder: Owner | null, watchMs: number): Promise<boolean> {
  const runs = holder === null ? null : isRunning(holder);
  if (runs !== null) return runs;
  const [steps, first] = [10, lastSign(file)];
  for (let step = 0; step < steps; step++) {
    await sleep(watchMs / steps);
    if (lastSign(file) !== first) return lastSign(file) !== null;
  }
  return false;
}

function lastSign(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** A rename is for one process only, so that of two that see a dead holder none takes away the other's new lock. */
function takeAway(file: string, dead: Owner | null): void {
  const aside = temporaryBeside(file);
  try {
    renameSync(file, aside);
  } catch {
    return; // another one did
  }
  const found = readHolder(aside);
  const isOther = found !== null && (dead === null || markOf(found) !== markOf(dead));
  if (isOther) renameSync(aside, file);
  else rmSync(aside, { force: true });
}

function showLife(file: string): void {
  const now = new Date();
  try {
    if (isMine(file)) utimesSync(file, now, now);
  } catch {
    // The folder is gone, or cannot be reached for now.
  }
}

function inUse(file: string, holder: Owner | null): CrosscheckError {
  const who = holder === null ? 'another process' : `process ${holder.pid}`;
  const where = holder?.place === thisProcess().place ? '' : ' of another container or machine';
  return new CrosscheckError(
    'CROSSCHECK_RUN_FOLDER_IN_USE',
    `expected a run folder of this run alone, got ${path.dirname(file)}, in which ${who}${where} is at work; wait for it or end it, or choose another hydra.run.dir`,
  );
}
