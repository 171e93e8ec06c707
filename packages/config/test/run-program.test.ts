import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

const entry = 'packages/config/test/bin/program.ts';
const { dir, remove } = temporaryFolder();
afterAll(remove);

const run = (what: string) => runEntry(entry, [what]);

/** Starts a program and waits for its first line. */
async function start(...args: string[]): Promise<{ child: ChildProcess; errors: () => string }> {
  const node = ['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), ...args];
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child.stdout, 'data');
  child.stdout.resume();
  return { child, errors: () => errors };
}

describe('exit codes', () => {
  test.each([
    ['is done', 0, ''],
    ['says its code', 7, ''],
    ['is used wrongly', 2, 'CROSSCHECK_CLI_FLAG: no such flag\n'],
    ['fails', 1, 'CROSSCHECK_LABELS_MIXED: mixed\n'],
  ])('a program that %s ends with %i', async (what, code, stderr) => {
    expect(await run(what)).toMatchObject({ code, stderr, signal: null });
  });

  test('a file system that refuses is an error of ours, without a stack', async () => {
    const stderr =
      'CROSSCHECK_OUTPUT_UNWRITABLE: cannot write /: a folder stands there (EISDIR); move the folder, or choose another place\n';
    expect(await run('cannot write')).toMatchObject({ code: 1, stderr });
  });
});

describe('work that nobody finishes', () => {
  test('is an error with a code, not a silent end', async () => {
    const { code, stderr } = await run('waits for nobody');
    expect(code).toBe(1);
    expect(stderr).toContain('CROSSCHECK_COMMAND_ENDED_EARLY: the work was not finished');
    expect(stderr).not.toContain('unsettled top-level await');
  });

  test('ends when something fails that nobody waits for', async () => {
    const { code, stderr } = await run('fails where nobody waits');
    expect(code).toBe(1);
    expect(stderr).toContain('nobody waits for this');
  });
});

describe('signals', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s ends work that looks for it with exit code %i and a line', async (signal, code) => {
    const { child, errors } = await start('looks for signals');
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([code, null]);
    expect(errors()).toBe(
      `${signal}: stopping, and keeping what can be kept; once more to stop at once\n` +
        `CROSSCHECK_COMMAND_INTERRUPTED: ended by ${signal} before it was done\n`,
    );
  });

  test('work that does not look is dropped after a while', async () => {
    const { child, errors } = await start('looks for no signals', 'impatient');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([143, null]);
    expect(errors()).toContain('CROSSCHECK_COMMAND_INTERRUPTED');
  });

  test('another one ends it at once, with the code of the first', async () => {
    const { child, errors } = await start('looks for no signals');
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    while (!errors().includes('once more')) await once(child.stderr as NonNullable<ChildProcess['stderr']>, 'data');
    child.kill('SIGINT');
    expect(await ended).toEqual([143, null]);
    expect(errors()).not.toContain('CROSSCHECK_COMMAND_INTERRUPTED');
  });
});

describe('a terminal that goes away', () => {
  test('ends nothing: work goes on and writes its files', async () => {
    const file = path.join(dir, 'rest.txt');
    const node = ['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), 'prints a lot', file];
    const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await ended).toEqual([0, null]);
    expect(readFileSync(file, 'utf8')).toBe('the rest');
  });

  test.runIf(existsSync('/dev/full'))('but output that a full disk refuses is a failure', async () => {
    const full = openSync('/dev/full', 'w');
    const node = ['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), 'is done'];
    const child = spawn(process.execPath, node, { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(errors).toContain('standard output lost lines: no space is left there (ENOSPC)');
  });
});
