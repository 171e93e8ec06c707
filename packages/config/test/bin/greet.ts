/** A small entry point, run as its own process by the tests of the command line. */
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfStopped } from '@crosscheck/contract';
import { z } from 'zod';
import { runCommand } from '../../src/index.ts';

const schema = z.strictObject({
  greeting: z.strictObject({
    text: z.string().default('hello').describe('what is said'),
    times: z.int().min(0).default(1).describe('how often'),
    mode: z.enum(['plain', 'loud']).default('plain').describe('how it is said'),
    gpu: z.boolean().default(false).describe('tell which GPU it may use'),
    dir: z.string().default('').describe('where it is kept'),
  }),
});

await runCommand({
  name: 'greet',
  summary: 'Says something.',
  configName: 'config',
  schema,
  sweepMetric: 'loudness',
  ownFolder: 'greeting.dir',
  async openSweep({ jobs, sweepDir }) {
    process.stdout.write(`opened ${jobs.length} in ${sweepDir}\n`);
    return {
      env: { CROSSCHECK_PARENT_RUN: 'parent-1' },
      async close(done) {
        process.stdout.write(`closed ${done.map((job) => job.status).join(',')}\n`);
      },
    };
  },
  async main(run) {
    const { text, times, mode, dir, gpu } = run.config.greeting;
    if (text === 'forgotten') await new Promise(() => {});
    while (text === 'waits') {
      process.stdout.write('waits here\n');
      throwIfStopped();
      await sleep(20);
    }
    if (times === 0) throw new Error('nothing to say');
    for (let i = 0; i < times; i++) run.log(mode === 'loud' ? text.toUpperCase() : text);
    if (dir !== '') run.log(`kept in ${dir}`);
    if (gpu) run.log(`gpu ${process.env.CUDA_VISIBLE_DEVICES}`);
    if (run.parentRun !== null) run.log(`under ${run.parentRun}, job ${run.jobNumber}`);
    run.warn(`said in ${run.runDir}`);
    return { metrics: { loudness: times * (mode === 'loud' ? 10 : 1) } };
  },
});
