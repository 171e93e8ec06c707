import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names a process in a file's name or content, so that a later one can tell whether it still runs: its number, when it started, and where such
 * numbers mean the same (one boot of one machine, one PID namespace: containers have their own).
 */
export interface Owner {
  place: string;
  pid: number;
  started: string;
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function ownPlace(): string {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const facts = boot === null ? hostname() : `${boot} ${attempt(() => readlinkSync('/proc/self/ns/pid'))}`;
  return createHash('sha256').update(facts).digest('hex').slice(0, 8);
}

/** When a process started, in ticks since the boot; null for one that is gone or ended. `0` where a system does not say. */
function startOf(pid: number): string | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === null) return attempt(() => process.kill(pid, 0)) === null || hasProc() ? null : '0';
  // The name in the second field may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '0');
}

const hasProc = () => attempt(() => readFileSync('/proc/self/stat')) !== null;

let self: Owner | null = null;

export function thisProcess(): Owner {
  self ??= { place: ownPlace(), pid: process.pid, started: startOf(process.pid) ?? '0' };
  return self;
}

/** @returns null for one in another container or on another machine, of which nothing can be said */
export function isRunning({ place, pid, started }: Owner): boolean | null {
  if (place !== thisProcess().place) return null;
  return startOf(pid) === started;
}

export const markOf = ({ place, pid, started }: Owner): string => `${place}-${pid}-${started}`;

const mark = /([0-9a-f]{8})-(\d{1,10})-(\d{1,20})/;
export const markPattern: string = mark.source;

export function readMark(text: string): Owner | null {
  const [, place, pid, started] = mark.exec(text) ?? [];
  return place === undefined ? null : { place, pid: Number(pid), started: started as string };
}
