import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cleanLitter, isTemporary, lockFolder, temporaryBeside, writeWhole } from '@crosscheck/files';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const condition = '--conditions=@crosscheck/source';
const worker = path.join(import.meta.dirname, 'bin/holds-folder.ts');

/** What a process writes that is killed while it writes. */
function killedWhileWriting(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const { signal } = spawnSync(process.execPath, [condition, worker, 'write', folder]);
  expect(signal).toBe('SIGKILL');
  const [left = '', ...others] = readdirSync(folder);
  expect([isTemporary(left), others]).toEqual([true, []]);
  return left;
}

describe('what a killed process was writing', () => {
  test('is removed by the next one that writes there', () => {
    const folder = path.join(dir, 'killed');
    killedWhileWriting(folder);
    writeWhole(path.join(folder, 'result.json'), '{}');
    expect(readdirSync(folder)).toEqual(['result.json']);
  });

  test('stays while it runs, and so does what is not ours', () => {
    const folder = path.join(dir, 'running');
    mkdirSync(folder);
    const running = temporaryBeside(path.join(folder, 'state.safetensors'));
    const kept = ['notes.part', '.draft.tmp', '.state.safetensors.part', 'x.12345678-1-1.part'];
    for (const name of kept) writeFileSync(path.join(folder, name), '');
    writeFileSync(running, '');
    const link = path.join(folder, path.basename(running).replace(/-\d+-\d+-/, '-999999999-1-'));
    symlinkSync(path.join(folder, 'notes.part'), link);
    cleanLitter(folder);
    expect(readdirSync(folder).sort()).toEqual([...kept, path.basename(running), path.basename(link)].sort());
  });

  test('on another machine, or by an earlier version, goes when a day has passed without a word', () => {
    const folder = path.join(dir, 'unknown');
    mkdirSync(folder);
    const mine = path.basename(temporaryBeside(path.join(folder, 'a')));
    const unknown = [
      mine.replace(/\.[0-9a-f]{8}-/, '.00000000-'),
      '.training_state.safetensors.1-0123abcd.tmp',
      '.unfinished-1b4e28ba-2fa1-41d2-883f-0016d3cca427',
    ];
    for (const name of unknown) writeFileSync(path.join(folder, name), '');
    cleanLitter(folder);
    expect(readdirSync(folder)).toHaveLength(3);
    for (const name of unknown) utimesSync(path.join(folder, name), new Date(), new Date(Date.now() - 25 * 3600_000));
    cleanLitter(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('by a process whose number another one has now, is removed', () => {
    const folder = path.join(dir, 'number');
    mkdirSync(folder);
    const mine = temporaryBeside(path.join(folder, 'a'));
    writeFileSync(mine.replace(/-\d+-([0-9a-f]{8}\.part)$/, '-7-$1'), ''); // this process's number, another start
    cleanLitter(folder);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a run folder', () => {
  test('is of one process at a time, and of the next one when that was killed', async () => {
    const folder = path.join(dir, 'locked');
    mkdirSync(folder);
    const holder = spawn(process.execPath, [condition, worker, 'hold', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const refused = lockFolder(folder);
    await expect(refused).rejects.toMatchObject({ code: 'CROSSCHECK_RUN_FOLDER_IN_USE' });
    await expect(refused).rejects.toThrow(`process ${holder.pid} is at work`);
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    expect(existsSync(path.join(folder, '.lock'))).toBe(true);
    const release = await lockFolder(folder);
    const again = await lockFolder(folder); // of the same process
    again();
    expect(existsSync(path.join(folder, '.lock'))).toBe(true);
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('locked by a process elsewhere is taken over only when that shows no life', async () => {
    const folder = path.join(dir, 'elsewhere');
    mkdirSync(folder);
    const lock = path.join(folder, '.lock');
    writeFileSync(lock, '00000000-1-1\n');
    let beats = 0;
    const beat = setInterval(() => utimesSync(lock, ++beats, beats), 5);
    await expect(lockFolder(folder, { watchMs: 500 })).rejects.toThrow('of another container or machine is at work');
    clearInterval(beat);
    (await lockFolder(folder, { watchMs: 50 }))();
    expect(statSync(lock, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('of a dead process is taken by one of those that come together', async () => {
    const folder = path.join(dir, 'together');
    mkdirSync(folder);
    spawnSync(process.execPath, [condition, worker, 'die', folder]);
    const holders = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [condition, worker, 'hold', folder], { stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    const outcomes = await Promise.all(
      holders.map((holder) =>
        Promise.race([
          new Promise<string>((resolve) => holder.stdout.once('data', () => resolve('holds'))),
          new Promise<string>((resolve) => holder.once('exit', () => resolve('refused'))),
        ]),
      ),
    );
    for (const holder of holders) holder.kill('SIGKILL');
    expect(outcomes.sort()).toEqual(['holds', 'refused', 'refused', 'refused']);
  });
});
