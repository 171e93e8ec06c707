import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, type JobResult, type Run, type TrainConfig, trainConfigSchema } from '@crosscheck/config';
import { train } from '@crosscheck/trainer';
import { vi } from 'vitest';

export interface TrainedRun {
  runDir: string;
  checkpointDir: string;
  config: TrainConfig;
  result: JobResult;
  /** What the command printed. */
  output: string;
}

/** What all short runs of these tests have in common; later overrides win. */
export function shortRun(dataDir: string, dir: string): string[] {
  return [
    'model=tiny',
    'data=demo',
    `data.root_dir=${dataDir}`,
    'training.num_epochs=2',
    'training.batch_size=16',
    'training.learning_rate=0.002',
    'training.num_workers=0',
    'training.save_frequency=0',
    `training.checkpoint_dir=${path.join(dir, 'checkpoints')}`,
    `data.pixel_cache.dir=${path.join(dir, 'pixels')}`,
    `training.feature_cache.dir=${path.join(dir, 'features')}`,
    `hydra.run.dir=${path.join(dir, 'run')}`,
    'mlflow.enabled=false',
    'training.report=false',
  ];
}

/** What a command gets from the command line, with nothing but its config and folder in it. */
export function runOf(config: TrainConfig, runDir: string, overrides: string[] = []): Run<TrainConfig> {
  mkdirSync(runDir, { recursive: true });
  const identity = { runDir, jobName: 'train', jobNumber: null, swept: null, parentRun: null };
  const say = (message: string) => void process.stdout.write(`${message}\n`);
  return { config, resolved: config, origins: {}, overrides, ...identity, log: say, warn: say };
}

/** Does something that prints, and returns what it printed. */
export async function quietly<T>(action: () => Promise<T>): Promise<{ result: T; output: string }> {
  const printed: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    return { result: await action(), output: printed.join('') };
  } finally {
    spy.mockRestore();
  }
}

/** Trains in this process, as the command does after its config is composed. */
export async function trainHere(overrides: string[], { dir }: { dir: string }): Promise<TrainedRun> {
  const { config, origins, composition } = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    overrides,
  });
  const runDir = path.join(dir, 'run');
  const given = composition.overrides.map(({ input }) => input).filter((input) => !input.startsWith('hydra.'));
  const { result, output } = await quietly(() => train({ ...runOf(config, runDir, given), origins }));
  return { runDir, checkpointDir: config.training.checkpoint_dir, config, result, output };
}
