import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '@crosscheck/testkit';
import { onTestFinished } from 'vitest';

export const trainEntry = 'packages/trainer/src/bin/train.ts';
const limitMs = 90_000;

export interface StartedTrain {
  runDir: string;
  child: ChildProcess;
  /** Everything that it printed so far. */
  output: () => string;
  /** Waits until metrics.jsonl has the line of a step. */
  reach: (step: number) => Promise<void>;
  ended: Promise<{ code: number | null; signal: string | null }>;
}

/** Starts `pnpm train` as its users do, in a process that can be stopped. */
export function startTrain(
  overrides: string[],
  runDir: string,
  { env = {}, cwd = repositoryRoot }: { env?: Record<string, string>; cwd?: string } = {},
): StartedTrain {
  const args = ['--conditions=@crosscheck/source', path.join(repositoryRoot, trainEntry), ...overrides];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const isReached = (step: number) => {
    const file = path.join(runDir, 'metrics.jsonl');
    return existsSync(file) && readFileSync(file, 'utf8').includes(`{"step":${step},`);
  };
  const reach = async (step: number) => {
    const deadline = Date.now() + limitMs;
    while (!isReached(step)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`step ${step} was not reached:\n${output}`);
      await sleep(10);
    }
  };
  return { runDir, child, output: () => output, reach, ended };
}
