#!/usr/bin/env node
import { exportReads, runCommand, trainConfigSchema } from '@crosscheck/config';

await runCommand({
  name: 'export',
  summary: 'Turn a checkpoint into an artifact folder that infer and serve read',
  configName: 'config',
  schema: trainConfigSchema,
  reads: exportReads,
  main: async (run) => (await import('../run-export.ts')).runExport(run),
});
