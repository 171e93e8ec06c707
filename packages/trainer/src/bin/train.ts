import { runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'train',
  summary: 'Trains on posts and keeps the best checkpoint.',
  configName: 'config',
  schema: trainConfigSchema,
  sweepMetric: 'val/accuracy',
  main: async (run) => (await import('../train.ts')).train(run),
});
