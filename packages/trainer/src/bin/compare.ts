import { runCommand } from '@crosscheck/config';
import { namedRuns } from '../compare/arguments.ts';
import { compareConfigSchema } from '../compare/schema.ts';

const valueFlags = new Set('--cfg -c --package -p --config-name -cn --config-path -cp --config-dir -cd'.split(' '));

await runCommand(
  {
    name: 'compare',
    summary:
      'Two runs of train or evaluate side by side: pnpm compare <run> <run>. Curves, paired differences, settings.',
    configName: 'config_compare',
    schema: compareConfigSchema,
    main: async (run) => (await import('../compare/compare.ts')).compare(run),
  },
  namedRuns(process.argv.slice(2), valueFlags),
);
