#!/usr/bin/env node
import { inferenceConfigSchema, runCommand, serveReads } from '@crosscheck/config';

// A service starts often and leaves nothing behind: one folder with its last config, and its log on stdout.
const folder = ['hydra.run.dir=outputs/serve', 'hydra/job_logging=none'];

await runCommand(
  {
    name: 'serve',
    summary: 'Answer POST /predict over HTTP with an exported model',
    configName: 'config_inference',
    schema: inferenceConfigSchema,
    reads: serveReads,
    signals: 'own',
    sharesRunFolder: true,
    main: async (run) => (await import('../serve.ts')).serve(run),
  },
  [...folder, ...process.argv.slice(2)],
);
