import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';

// A folder that every user may enter.
const dir = mkdtempSync('/tmp/crosscheck-any-user-');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const uid = 54_321;
/** Runs something as a user without passwd entry, group and HOME, as `docker run --user` does. */
function runAsNobody(args: string[], env: string[] = []) {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const unset = ['-u', 'HOME', '-u', 'XDG_CACHE_HOME', '-u', 'CROSSCHECK_CACHE', `TMPDIR=${dir}`, ...env];
  const node = [process.execPath, '--conditions=@crosscheck/source', ...args];
  return spawnSync('setpriv', [...user, 'env', ...unset, ...node], { cwd: dir, encoding: 'utf8' });
}

const canBe = runAsNobody(['--version']).status === 0;
const places = path.join(repositoryRoot, 'packages/config/test/bin/cache-places.ts');

describe.skipIf(!canBe)(
  'a user without home or passwd entry (skipped: needs root, and a checkout that others may read)',
  () => {
    mkdirSync(path.join(dir, 'open'), { mode: 0o777 });
    spawnSync('chmod', ['777', dir, path.join(dir, 'open')]);

    test('has caches in a temporary folder of its own, and is told where once', () => {
      const { stdout, stderr } = runAsNobody([places]);
      const own = path.join(dir, `crosscheck-${uid}`);
      expect(stdout).toBe(`${own}\n${own}/pixels\n`);
      expect(stderr).toBe(
        `caches are kept in ${own}: this user has no home; set CROSSCHECK_CACHE to a folder that stays\n`,
      );
    });

    test.each([
      ['CROSSCHECK_CACHE', 'open/cache', 'open/cache'],
      ['XDG_CACHE_HOME', 'open/xdg', 'open/xdg/crosscheck'],
      ['HOME', 'open', 'open/.cache/crosscheck'],
    ])('has them where %s says', (name, value, place) => {
      const { stdout, stderr } = runAsNobody([places], [`${name}=${path.join(dir, value)}`]);
      expect({ stdout, stderr }).toEqual({ stdout: `${dir}/${place}\n${dir}/${place}/pixels\n`, stderr: '' });
    });

    test('runs commands', () => {
      const entry = path.join(repositoryRoot, 'packages/config/test/bin/program.ts');
      expect(runAsNobody([entry, 'is done'])).toMatchObject({ status: 0, stdout: 'done\n', stderr: '' });
    });
  },
);
