import { calibrateReads, runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'calibrate',
  summary: 'Fits temperature, threshold and abstain band of a checkpoint on held-out posts, and writes them into it.',
  configName: 'config',
  schema: trainConfigSchema,
  reads: calibrateReads,
  main: async (run) => (await import('../calibrate/calibrate.ts')).calibrate(run),
});
