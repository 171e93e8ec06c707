import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { gpuEnvironment, visibleGpus } from '@crosscheck/config';
import { passStopsTo, print, printError } from '@crosscheck/contract';
import { freePorts } from '@crosscheck/tensorflow/cluster';
import { lostError } from '../lost.ts';
import type { Workers } from '../workers.ts';
import { type Placement, placed, startedVariable, unusable } from './placement.ts';

interface Start {
  say: (line: string) => void;
  join: (placement: Placement) => Promise<Workers>;
}

/** Starts the other workers of a run on this machine with the same command line; this process is the first one. */
export async function startWorkers(world: number, { say, join }: Start): Promise<Workers> {
  const gpus = gpusFor(world);
  const addresses = (await freePorts(world)).map((port) => `127.0.0.1:${port}`);
  // So many processes share the processors; whoever has set the variable has divided them already.
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(Math.max(1, Math.floor(availableParallelism() / world)));
  say(`starting ${world - 1} more on this machine${gpus.length > 0 ? ', each on a GPU of its own' : ''}`);
  const children = addresses.slice(1).map((_, i) => startOne(i + 1, addresses, gpuEnvironment(i + 1, world, gpus)));
  Object.assign(process.env, gpuEnvironment(0, world, gpus));
  const source = 'training.distributed.processes';
  return Promise.race([join(placed(source, { addresses, rank: 0 })), ...children.map(endOf)]);
}

/** @throws CROSSCHECK_CONFIG_WORKERS where there are GPUs, but not enough: no two workers can share one */
function gpusFor(world: number): string[] {
  const gpus = process.env['CROSSCHECK_TENSORFLOW_FLAVOR'] === 'cpu' ? [] : visibleGpus();
  if (gpus.length === 0 || gpus.length >= world) return gpus;
  throw unusable(
    `training.distributed.processes=${world}, but this machine has ${gpus.length} GPU (${gpus.join(', ')}) and each worker needs one of its own; ` +
      'start fewer, or train on the processors with CROSSCHECK_TENSORFLOW_FLAVOR=cpu',
  );
}

function startOne(rank: number, addresses: readonly string[], gpu: Record<string, string>): ChildProcess {
  const config = { cluster: { worker: addresses }, task: { type: 'worker', index: rank } };
  const env = { ...process.env, ...gpu, TF_CONFIG: JSON.stringify(config), [startedVariable]: '1' };
  const [script, ...args] = process.argv.slice(1) as [string, ...string[]];
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  passStopsTo(child);
  forward(child.stdout, `worker ${rank} | `, print);
  forward(child.stderr, `worker ${rank} | `, printError);
  return child;
}

function forward(stream: Readable, prefix: string, write: (text: string) => void): void {
  createInterface({ input: stream }).on('line', (line) => write(`${prefix}${line}`));
}

/** Rejects when a worker ends; who has joined by then hears of it from the others. */
function endOf(child: ChildProcess, index: number): Promise<never> {
  return new Promise((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(lostError(`worker ${index + 1} ended with ${signal ?? `exit code ${code}`} before all were there`));
    });
  });
}
