import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Resident memory now, and its highest so far. */
export interface Memory {
  nowMb: number;
  peakMb: number;
}

/** Of a process and those it started. */
export function memoryOf(pid: number): Memory {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  const all = [memoryOfOne(pid), ...children.map((child) => memoryOf(Number(child)))];
  const sum = (of: keyof Memory) => all.reduce((total, one) => total + one[of], 0);
  return { nowMb: sum('nowMb'), peakMb: sum('peakMb') };
}

function memoryOfOne(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string) => Math.round(Number(status.match(new RegExp(`${field}:\\s+(\\d+)`))?.[1]) / 1000);
  return { nowMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
}

const lookEveryMs = 200;

/** Watches a process until it ends. */
export function peakMemory(child: ChildProcess): { peakMb(): number } {
  let peakMb = 0;
  const timer = setInterval(() => {
    try {
      peakMb = Math.max(peakMb, memoryOfOne(child.pid as number).peakMb);
    } catch {
      clearInterval(timer); // it has just ended
    }
  }, lookEveryMs);
  child.once('exit', () => clearInterval(timer));
  return { peakMb: () => peakMb };
}
