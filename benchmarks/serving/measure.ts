import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../machine.ts';
import type { BareLoopOptions } from './bare-loop.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import type { Models } from './models.ts';
import { type System, startSystem } from './systems.ts';

export interface LoadPlan {
  clients: readonly number[];
  seconds: number;
  warmUpSeconds: number;
}

/** One life of a service: started, asked by each number of clients in turn, stopped. */
export interface Visit {
  readySeconds: number;
  peakMb: number;
  /** In the order of the plan's clients. */
  loads: LoadResult[];
}

const port = 8765;

export async function visit(system: System, models: Models, { clients, ...times }: LoadPlan): Promise<Visit> {
  const running = await startSystem(system, models, port);
  try {
    const loads: LoadResult[] = [];
    for (const count of clients)
      loads.push(await generateLoad({ url: `${running.url}/predict`, posts: models.posts, clients: count, ...times }));
    return { readySeconds: running.readySeconds, peakMb: running.memory().peakMb, loads };
  } finally {
    await running.stop();
  }
}

export async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  return JSON.parse(await runEntry('load.ts', options)) as LoadResult;
}

/** @returns posts per second */
export async function runBareLoop(options: BareLoopOptions): Promise<number> {
  return Number(await runEntry('bare-loop.ts', options));
}

async function runEntry(file: string, options: object): Promise<string> {
  const entry = path.join(repositoryRoot, 'benchmarks/serving', file);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@crosscheck/source', entry, JSON.stringify(options)],
    { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } },
  );
  return stdout;
}
