import { existsSync } from 'node:fs';
import path from 'node:path';
import { runEntry } from '@crosscheck/testkit';
import { describe, expect, it } from 'vitest';
import { makePosts, testFolder } from './support/posts.ts';
import { stepLines } from './support/read-run.ts';
import { shortRun } from './support/run-train.ts';
import { trainEntry } from './support/start-train.ts';

// Downloads TensorFlow's CUDA wheel (615 MB), so it runs only when asked for.
const isWanted = Boolean(process.env['CROSSCHECK_SLOW_TESTS']) && !existsSync('/proc/driver/nvidia');
const minutes = 60_000;

describe.runIf(isWanted)('the CUDA flavor on a machine without a GPU', () => {
  it(
    'trains on the CPU and says so',
    async () => {
      const dir = testFolder();
      const posts = await makePosts(path.join(dir, 'posts'));
      const env = { CROSSCHECK_CACHE: path.join(dir, 'cache'), CROSSCHECK_TENSORFLOW_FLAVOR: 'cuda' };
      const options = { env, timeoutMs: 20 * minutes };
      const setup = await runEntry('packages/tensorflow/src/bin/setup.ts', ['--flavor', 'cuda'], options);
      expect(setup.code, setup.stderr).toBe(0);
      expect(setup.stdout).toContain('cuda build, computes on the CPU');
      expect(setup.stdout).toContain('no NVIDIA driver was found');
      const run = await runEntry(trainEntry, [...shortRun(posts, dir), 'training.num_steps=1'], options);
      expect(run.code).toBe(0);
      expect(run.stdout).toContain(
        '(cuda build) on CPU: the CUDA build found no NVIDIA driver and computes on the CPU',
      );
      expect(stepLines(path.join(dir, 'run'))).toHaveLength(1);
    },
    25 * minutes,
  );
});
