import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchWhole } from '@crosscheck/http-client';
import { repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import type { Models } from './models.ts';
import { type Memory, memoryOf } from './process-memory.ts';

/** A service that is compared. */
export interface System {
  name: string;
  command: (models: Models, port: number) => string[];
  /** Answers 200 when the service can be asked. */
  probe: string;
}

const inBenchmarks = (file: string) => path.join(repositoryRoot, 'benchmarks', file);
const serveEntry = path.join(repositoryRoot, 'packages/server/src/bin/serve.ts');
const cores = availableParallelism();

const ours = (precision: 'fp32' | 'int8'): System => ({
  name: `ours-${precision}`,
  probe: '/readyz',
  command: (models, port) => {
    const where = [`serve.artifact=${models[precision]}`, 'serve.host=127.0.0.1', `serve.port=${port}`];
    const record = `hydra.run.dir=${path.join(models.posts, '../run')}`;
    return [process.execPath, '--conditions=@crosscheck/source', serveEntry, ...where, 'serve.log_level=warn', record];
  },
});

/** One session of one thread for each core: on two cores 33 and 63 requests/s, where one session of two threads made 28 and 47. */
const tuned = (name: string, model: string): System => ({
  name,
  probe: '/health',
  command: ({ peers }, port) => {
    const layout = [String(cores), '1'];
    return [findPython(), inBenchmarks('peers/serving_tuned.py'), peers, String(port), model, ...layout];
  },
});

export const systems: readonly System[] = [
  ours('fp32'),
  ours('int8'),
  {
    name: 'original',
    probe: '/health',
    command: ({ peers }, port) => [findPython(), inBenchmarks('peers/serving_original.py'), peers, String(port)],
  },
  tuned('tuned-fp32', 'plain.onnx'),
  tuned('tuned-int8', 'plain-int8.onnx'),
];

export interface RunningSystem {
  url: string;
  /** From the start of the process to its first good answer. */
  readySeconds: number;
  /** Resident memory now, and its highest so far. */
  memory(): Memory;
  stop(): Promise<void>;
}

const patienceMs = 120_000;

export async function startSystem(system: System, models: Models, port: number): Promise<RunningSystem> {
  const [command, ...args] = system.command(models, port) as [string, ...string[]];
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd: repositoryRoot, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, `${url}${system.probe}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    readySeconds: (performance.now() - startedAt) / 1000,
    memory: () => memoryOf(child.pid as number),
    stop: () => stop(child),
  };
}

async function untilReady(child: ChildProcess, probe: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    const answer = await fetchWhole(probe).catch(() => null);
    if (answer?.ok) return;
    await sleep(20);
  }
  throw new Error(`${probe} did not answer within ${patienceMs / 1000} s`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(patience);
}
