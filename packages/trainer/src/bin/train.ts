import { runCommand, trainConfigSchema, trainReads } from '@crosscheck/config';
import { isFollower, refuseSweepOfWorkers } from '../distributed/placement/find-placement.ts';
import { runMetricNames } from '../report/metric-names.ts';
import { choosePrecision } from '../run/precision.ts';

await runCommand({
  name: 'train',
  summary: 'Trains on posts and keeps the best checkpoint.',
  configName: 'config',
  schema: trainConfigSchema,
  reads: trainReads,
  sweepMetric: 'val/accuracy',
  metrics: runMetricNames,
  ownFolder: 'training.checkpoint_dir',
  // It looks for signals by itself, and saves before it ends.
  patienceMs: Number.POSITIVE_INFINITY,
  openSweep: async (start) => {
    refuseSweepOfWorkers(start.config);
    return (await import('../sweep/open-sweep.ts')).openSweep(start);
  },
  objectives: { minimize: 'val/loss', maximize: 'val/accuracy' },
  search: async (start) => {
    refuseSweepOfWorkers(start.config);
    return (await import('../sweep/search.ts')).search(start);
  },
  stored: async (overrides) => (await import('../run/stored-run.ts')).readStoredConfig(overrides),
  follows: isFollower,
  main: async (run) => {
    choosePrecision(run.config.training.mixed_precision);
    const { joinWorkers } = await import('../distributed/join.ts');
    const workers = await joinWorkers(run.config, (line) => run.log(line));
    return (await import('../train.ts')).train(run, workers);
  },
});
