import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { passStopsTo, print, printError } from '@crosscheck/contract';
import type { EpochReport, ReportEpoch, TrialFate } from './trial-link.ts';

export interface Launch {
  args: string[];
  env: Record<string, string>;
  /** Put before every line of output; null passes output through as it is. */
  prefix: string | null;
  /** Answers what the process reports of its epochs. */
  onReport?: ReportEpoch | undefined;
}

/** Runs this program again in its own process with other arguments; resolves to its exit code, or null when a signal ended it. */
export function launch({ args, env, prefix, onReport }: Launch): Promise<number | null> {
  const output = prefix === null ? (['inherit', 'inherit', 'inherit'] as const) : (['ignore', 'pipe', 'pipe'] as const);
  const [script] = process.argv.slice(1) as [string];
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, script, ...args], {
    env: { ...process.env, ...env },
    stdio: onReport === undefined ? [...output] : [...output, 'ipc'],
  });
  // A job takes the terminal's own SIGINT and this one for the same request.
  passStopsTo(child);
  if (onReport !== undefined) answerReports(child, onReport);
  if (prefix !== null) {
    forward(child.stdout, prefix, print);
    forward(child.stderr, prefix, printError);
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
}

function forward(stream: Readable | null, prefix: string, write: (text: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', (line) => write(`${prefix}${line}`));
}

/** A report that cannot be answered lets the trial go on. */
function answerReports(child: ChildProcess, onReport: ReportEpoch): void {
  child.on('message', (report) => {
    const answer = (fate: TrialFate) => child.connected && child.send(fate, () => {});
    onReport(report as EpochReport).then(answer, () => answer('goes on'));
  });
}
