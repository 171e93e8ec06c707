import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { FuzzReport } from './target.ts';

export interface FuzzOptions {
  /** Exports `targets`. */
  module: string;
  seed: number;
  /** Of each target. */
  inputs: number;
  /** For inputs, and those that broke a promise. */
  folder: string;
  /** One target alone. */
  only?: string;
  /** Without a word for so long, a reader hangs. @default 120000 */
  patienceMs?: number;
}

const child = new URL(`./fuzz-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Gives every target so many changed files, the same ones each time, in a process with a small heap. One that hangs, or ends that process, has
 * broken its promise like one that throws something else.
 */
export async function fuzzReaders({
  module,
  seed,
  inputs,
  folder,
  only = '',
  patienceMs = 120_000,
}: FuzzOptions): Promise<FuzzReport[]> {
  mkdirSync(folder, { recursive: true });
  const args = ['--conditions=@crosscheck/source', '--max-old-space-size=768', child.pathname];
  const running = spawn(process.execPath, [...args, module, String(seed), String(inputs), folder, only], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [begun, said] = ['', ''];
  const reports: FuzzReport[] = [];
  let patience = setTimeout(() => running.kill('SIGKILL'), patienceMs);
  createInterface({ input: running.stdout }).on('line', (line) => {
    patience = patience.refresh();
    const told = JSON.parse(line) as FuzzReport | { begun: string };
    if ('begun' in told) begun = told.begun;
    else reports.push(told);
  });
  running.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    running.once('close', (...how) => resolve(how)),
  );
  clearTimeout(patience);
  if (code === 0) return reports;
  const file = path.join(folder, `${begun}.input`);
  const problem = `ended the process or hung (${signal ?? code}): ${said}`;
  return [...reports, { target: begun, inputs: 0, accepted: 0, violations: [{ input: -1, problem, file }] }];
}
