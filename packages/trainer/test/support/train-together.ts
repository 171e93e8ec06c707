import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import type { Workers } from '../../src/distributed/workers.ts';
import { digestWeights } from '../../src/features/feature-key.ts';
import { openRun } from '../../src/run/open-run.ts';
import { runAll } from '../../src/run/run-all.ts';
import { epochLines, type MetricsLine, stepLines, withoutTimes } from './read-run.ts';
import { quietly, runOf } from './run-train.ts';
import { workersTogether } from './workers-together.ts';

export interface TrainedTogether {
  /** Of the worker that writes. */
  runDir: string;
  steps: MetricsLine[];
  epochs: MetricsLine[];
  /** sha256 of every worker's weights and statistics. */
  digests: string[];
  output: string;
}

export interface Team {
  world: number;
  /** What every worker is told. */
  overrides: string[];
  /** What one of them is told besides. */
  own?: (rank: number) => string[];
  /** All die with this reduction of gradients, counted from 1. */
  diesAt?: number;
}

/** The folder of a worker's own. */
export const folderOf = (dir: string, rank: number): string => path.join(dir, `run${rank}`);

/** Trains in this process with several workers. */
export async function trainTogether(dir: string, team: Team): Promise<TrainedTogether> {
  const together = workersTogether(team.world);
  const trainOne = async (workers: Workers) => {
    const overrides = [...team.overrides, ...(team.own?.(workers.rank) ?? [])];
    const { config } = composeConfig({ configName: 'config', schema: trainConfigSchema, overrides });
    const typed = overrides.filter((override) => !override.startsWith('hydra.'));
    try {
      return await train(runOf(config, folderOf(dir, workers.rank), typed), mortal(workers, team.diesAt));
    } catch (error) {
      together.fail(error);
      throw error;
    }
  };
  const { result, output } = await quietly(() => Promise.allSettled(together.workers.map(trainOne)));
  const digests = result.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  const runDir = folderOf(dir, 0);
  return { runDir, steps: withoutTimes(stepLines(runDir)), epochs: withoutTimes(epochLines(runDir)), digests, output };
}

async function train(run: ReturnType<typeof runOf>, workers: Workers): Promise<string> {
  const open = await openRun(run, workers);
  try {
    await runAll(open);
    return digestWeights(open.model);
  } finally {
    await open.close();
  }
}

function mortal(workers: Workers, diesAt = Number.POSITIVE_INFINITY): Workers {
  let reductions = 0;
  return {
    ...workers,
    async sum(tensors, also) {
      if (tensors.length > 0 && ++reductions === diesAt) throw new Error('killed');
      return workers.sum(tensors, also);
    },
  };
}
