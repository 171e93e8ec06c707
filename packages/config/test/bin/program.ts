/** Programs that end in the ways that programs end, run as their own processes by the tests. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrosscheckError, print, runProgram, throwIfStopped } from '@crosscheck/contract';

const [what, file = ''] = process.argv.slice(2);

const programs: Record<string, () => Promise<number | void>> = {
  'is done': async () => print('done'),
  'says its code': async () => 7,
  'is used wrongly': async () => {
    throw new CrosscheckError('CROSSCHECK_CLI_FLAG', 'no such flag');
  },
  fails: async () => {
    throw new CrosscheckError('CROSSCHECK_LABELS_MIXED', 'mixed');
  },
  'cannot write': async () => writeFileSync('/', ''),
  // Nothing keeps the process alive, as when a thread that should answer was let go.
  'waits for nobody': () => new Promise(() => {}),
  'fails where nobody waits': () => {
    setImmediate(() => {
      throw new Error('nobody waits for this');
    });
    return sleep(600_000);
  },
  'looks for signals': async () => {
    for (let row = 0; ; row++) {
      print(`row ${row}`);
      throwIfStopped();
      await sleep(10);
    }
  },
  'looks for no signals': async () => {
    print('row 0');
    await sleep(600_000);
  },
  'prints a lot': async () => {
    for (let row = 0; row < 20_000; row++) print(`row ${row} of many, which is more than a pipe holds`);
    writeFileSync(file, 'the rest');
  },
};

const patienceMs = file === 'impatient' ? 50 : undefined;
await runProgram(programs[what as string] as () => Promise<void>, patienceMs === undefined ? {} : { patienceMs });
