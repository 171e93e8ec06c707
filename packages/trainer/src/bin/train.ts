import { runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'train',
  summary: 'Trains on posts and keeps the best checkpoint.',
  configName: 'config',
  schema: trainConfigSchema,
  sweepMetric: 'val/accuracy',
  openSweep: async (start) => (await import('../sweep.ts')).openSweep(start),
  main: async (run) => (await import('../train.ts')).train(run),
});
