#!/usr/bin/env node
import { inferenceConfigSchema, inferReads, runCommand } from '@crosscheck/config';

await runCommand({
  name: 'infer',
  summary: 'Judge one post, or every post of a CSV, with an exported model',
  configName: 'config_inference',
  schema: inferenceConfigSchema,
  reads: inferReads,
  main: async (run) => (await import('../infer.ts')).infer(run),
});
