import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installTimeoutMs, pythonWith } from '../../storage/test/support/python.ts';
import { pull, writePlots } from '../src/index.ts';
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

/** What a clone holds, as far as DVC looks. */
function clone(name: string): string {
  const dir = `${folder.dir}/${name}`;
  for (const file of ['.dvc/config', '.dvcignore', 'data.dvc', 'checkpoints.dvc', 'assets/dvc', 'dvc.yaml', 'configs'])
    cpSync(`${repositoryRoot}/${file}`, `${dir}/${file}`, { recursive: true });
  writeFiles(dir, [['.dvc/config.local', '[core]\n    no_scm = true\n']]);
  return dir;
}

test('DVC pulls data.dvc and checkpoints.dvc of a clone, and so does data:pull: the same files, and DVC finds nothing to do', async () => {
  const [theirs, ours] = [clone('theirs'), clone('ours')];
  await dvc(theirs, 'pull');
  expect(await pull({ cwd: ours })).toMatchObject({ files: 175, placed: 175 });
  await run('diff', ['-r', `${theirs}/data`, `${ours}/data`]);
  await run('diff', ['-r', `${theirs}/checkpoints`, `${ours}/checkpoints`]);
  expect(await dvc(theirs, 'status', 'data.dvc', 'checkpoints.dvc')).toBe(upToDate);
  expect(await dvc(ours, 'status', 'data.dvc', 'checkpoints.dvc')).toBe(upToDate);
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

test('DVC reads the stages of dvc.yaml, and the metrics and plots that dvc:plots writes for them', async () => {
  const dir = clone('pipeline');
  const epoch = (n: number) => ({
    epoch: n,
    step: 5 * n,
    phase: 'frozen',
    'train/loss': 1 / n,
    'val/loss': 2 / n,
    'val/accuracy': 0.5,
  });
  const records = [
    { step: 1, phase: 'frozen', 'train/loss_step': 1 },
    epoch(1),
    { step: 6, phase: 'frozen' },
    epoch(2),
  ];
  const metrics = { accuracy: { value: 0.75, low: 0.5, high: 1 }, rocAuc: { value: 0.9, low: 0.8, high: 1 } };
  writeFiles(dir, [
    ['run/metrics.jsonl', records.map((record) => `${JSON.stringify(record)}\n`).join('')],
    ['run/eval_results.json', JSON.stringify({ metrics, confusion: { tn: 3, fp: 1, fn: 2, tp: 4 }, version: 'x' })],
  ]);
  await writePlots(`${dir}/run/metrics.jsonl`, `${dir}/demo/plots`);
  await writePlots(`${dir}/run/eval_results.json`, `${dir}/demo/evaluation`);
  expect((await dvc(dir, 'stage', 'list', '--name-only')).split('\n')).toEqual([
    'prepare',
    'train',
    'evaluate',
    'export',
  ]);
  const shown = JSON.parse(await dvc(dir, 'metrics', 'show', '--json'));
  expect(Object.values(shown)[0]).toMatchObject({
    data: { 'demo/evaluation/metrics.json': { data: { accuracy: 0.75, rocAuc: 0.9 } } },
  });
  const plots = JSON.parse(await dvc(dir, 'plots', 'show', '--json')).data;
  const points = (name: string) => plots[name][0].content.data.values;
  expect(points('loss')).toContainEqual(expect.objectContaining({ epoch: '2', train_loss: '0.5', val_loss: '1' }));
  expect(points('demo/evaluation/confusion.csv')).toHaveLength(10);
});

test('what is neither a metrics file nor an evaluation is refused', async () => {
  writeFiles(folder.dir, [['odd/eval_results.json', '{}']]);
  for (const file of ['odd/eval_results.json', 'odd/metrics.jsonl', 'odd/other.csv'])
    await expect(writePlots(`${folder.dir}/${file}`, folder.dir)).rejects.toMatchObject({
      code: 'CROSSCHECK_DVC_NO_PLOTS',
    });
});
