import { defineConfig } from 'vitest/config';

// Packages of the workspace resolve to their source; everything else as Node resolves it.
const source = '@crosscheck/source';

export default defineConfig({
  resolve: { conditions: [source, 'module', 'node', 'development|production'] },
  ssr: {
    resolve: { conditions: [source, 'module', 'node', 'development|production'], externalConditions: [source, 'node'] },
  },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts', 'deploy/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Without memory protection keys: where a processor has them, V8's book-keeping of compiled pages aborts now and then while threads with
    // WebAssembly come and go (nodejs/node#64500).
    execArgv: [
      '--no-memory-protection-keys',
      '--conditions=@crosscheck/source',
      '--disable-warning=ExperimentalWarning',
    ],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/vitest-summary.ts'],
  },
});
