#!/usr/bin/env node
import { runCommand } from '@crosscheck/config';
import { scoreConfigSchema, scoreReads } from '../schema.ts';

await runCommand({
  name: 'score',
  summary: 'Judge shards of posts with many workers, here or as an Indexed Job of Kubernetes',
  configName: 'config_score',
  schema: scoreConfigSchema,
  reads: scoreReads,
  sharesRunFolder: true,
  main: async (run) => (await import('../score.ts')).score(run),
});
