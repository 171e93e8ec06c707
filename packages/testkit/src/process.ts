import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { repositoryRoot } from './folders.ts';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

interface EntryOptions {
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

/** Starts a TypeScript entry point of the repository as its users do. */
export function startEntry(
  entry: string,
  args: string[],
  options: EntryOptions = {},
): { child: ChildProcess; ended: Promise<Finished> } {
  const child = spawn(process.execPath, ['--conditions=@crosscheck/source', `${repositoryRoot}/${entry}`, ...args], {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<Finished>((resolve, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** The same, to its end. */
export const runEntry = (entry: string, args: string[], options: EntryOptions = {}): Promise<Finished> =>
  startEntry(entry, args, options).ended;

/** Python's own `http.server` over a folder, on a free port: HTTP/1.0, so that it closes after every answer. */
export async function startPythonServer(dir: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const args = ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', dir];
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += String(text);
    const port = / port (\d+) /.exec(said)?.[1];
    if (port === undefined) continue;
    const stop = async () => {
      child.kill();
      await ended;
    };
    return { url: `http://127.0.0.1:${port}`, stop };
  }
  throw new Error(`python3 -m http.server ended: ${said}`);
}

/** Ids of the processes that the main thread of a process has started and that still run. */
export function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
