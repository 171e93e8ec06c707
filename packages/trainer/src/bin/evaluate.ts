import { evaluateReads, runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'evaluate',
  summary: 'Judges a whole split with a trained model: metrics with intervals, and what either half could do alone.',
  configName: 'config',
  schema: trainConfigSchema,
  reads: evaluateReads,
  main: async (run) => (await import('../evaluate/evaluate.ts')).evaluate(run),
});
