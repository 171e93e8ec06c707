import { runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'data:suspects',
  summary:
    'Ranks training posts whose labels predictions out of fold contradict, as a CSV and a page with images. Changes nothing.',
  configName: 'config',
  schema: trainConfigSchema,
  main: async (run) => (await import('../suspects/suspects.ts')).findSuspects(run),
});
