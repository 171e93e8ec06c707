#!/usr/bin/env node
import { runCommand } from '@crosscheck/config';
import { scoreConfigSchema } from '../schema.ts';

await runCommand({
  name: 'score',
  summary: 'Judge shards of posts with many workers, here or as an Indexed Job of Kubernetes',
  configName: 'config_score',
  schema: scoreConfigSchema,
  main: async (run) => (await import('../score.ts')).score(run),
});
