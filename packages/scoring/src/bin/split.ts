#!/usr/bin/env node
import { runCommand } from '@crosscheck/config';
import { scoreConfigSchema } from '../schema.ts';

await runCommand({
  name: 'score:split',
  summary: 'Divide a file of posts into shards for score',
  configName: 'config_score',
  schema: scoreConfigSchema,
  main: async (run) => (await import('../split.ts')).split(run),
});
