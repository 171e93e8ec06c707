import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installTimeoutMs, pythonWith } from '../../storage/test/support/python.ts';
import { pull } from '../src/index.ts';
import { writeFiles } from './support/repository.ts';

const run = promisify(execFile);
const folder = temporaryFolder();
let python: string;
beforeAll(async () => {
  python = await pythonWith('dvc', 'dvc==3.67.1');
}, installTimeoutMs);
afterAll(() => folder.remove());

/** Runs the real DVC in a folder that is no Git repository. */
async function dvc(cwd: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, DVC_NO_ANALYTICS: '1', HOME: folder.dir, XDG_CONFIG_HOME: `${folder.dir}/config` };
  return (await run(python, ['-m', 'dvc', ...args], { cwd, env })).stdout.trim();
}

const upToDate = 'Data and pipelines are up to date.';
const tracked = ['data', 'checkpoints'];

/** What a clone holds, as far as DVC looks. */
function clone(name: string): string {
  const dir = `${folder.dir}/${name}`;
  for (const file of ['.dvc/config', '.dvcignore', 'data.dvc', 'checkpoints.dvc', 'assets/dvc'])
    cpSync(`${repositoryRoot}/${file}`, `${dir}/${file}`, { recursive: true });
  writeFiles(dir, [['.dvc/config.local', '[core]\n    no_scm = true\n']]);
  return dir;
}

test('DVC pulls data.dvc and checkpoints.dvc of a clone, and so does data:pull: the same files, and DVC finds nothing to do', async () => {
  const [theirs, ours] = [clone('theirs'), clone('ours')];
  await dvc(theirs, 'pull', ...tracked);
  expect(await pull({ cwd: ours })).toMatchObject({ files: 175, placed: 175 });
  await run('diff', ['-r', `${theirs}/data`, `${ours}/data`]);
  await run('diff', ['-r', `${theirs}/checkpoints`, `${ours}/checkpoints`]);
  expect(await dvc(theirs, 'status')).toBe(upToDate);
  expect(await dvc(ours, 'status')).toBe(upToDate);
});

test('what DVC adds and pushes is pulled, whatever the names', async () => {
  const [source, copy] = [`${folder.dir}/source`, `${folder.dir}/copy`];
  const config = '[core]\n    no_scm = true\n    remote = near\n[\'remote "near"\']\n    url = ../../remote\n';
  const files: [string, string][] = ['posts/ü/🙂.txt', 'posts/a b.txt', "posts/it's #1%.txt", 'posts/z/same.txt'].map(
    (name) => [name, name.includes('same') ? 'posts/a b.txt' : name],
  );
  writeFiles(source, [['.dvc/config', config], ['one.txt', 'alone'], ...files]);
  await dvc(source, 'add', 'posts', 'one.txt');
  await dvc(source, 'push');
  for (const name of ['.dvc/config', 'posts.dvc', 'one.txt.dvc']) cpSync(`${source}/${name}`, `${copy}/${name}`);
  expect(await pull({ cwd: copy })).toMatchObject({ files: 5, placed: 5 });
  for (const [name, content] of files) expect(readFileSync(`${copy}/${name}`, 'utf8')).toBe(content);
  expect(existsSync(`${copy}/one.txt`)).toBe(true);
  expect(await dvc(copy, 'status')).toBe(upToDate);
});
