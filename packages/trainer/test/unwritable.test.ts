import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePosts } from './support/posts.ts';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';

const slowMs = 300_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const file = path.join(root.dir, 'file.txt');
const full = path.join(root.dir, 'full');
const checkpoint = () => bestCheckpoint(path.join(root.dir, 'checkpoints'));

mkdirSync(full);
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]).status === 0;

beforeAll(async () => {
  await makePosts(posts);
  await trainHere([...shortRun(posts, root.dir), 'training.num_epochs=1'], root);
  writeFileSync(file, 'a file');
  if (isMounted) spawnSync('dd', ['if=/dev/zero', `of=${full}/rest`, 'bs=1k']);
}, slowMs);
afterAll(() => {
  if (isMounted) spawnSync('umount', [full]);
  root.remove();
});

const run = () => shortRun(posts, root.dir).filter((override) => !override.startsWith('training.checkpoint_dir='));

/** Command, entry point, its arguments for a place, the key that names the place. */
const commands: [string, string, (place: string) => string[], string][] = [
  ['data:demo', 'packages/data/src/bin/demo.ts', (dir) => [`dir=${dir}`, 'train=8', 'val=4', 'test=4'], 'dir'],
  [
    'data:folder',
    'packages/data/src/bin/folder.ts',
    (dir) => [`train=${posts}/train.csv`, `images_dir=${posts}`, `dir=${dir}`],
    'dir',
  ],
  ['data:split', 'packages/data/src/bin/split.ts', (dir) => [`root_dir=${posts}`, `dir=${dir}`], 'dir'],
  ['data:audit', 'packages/audit/src/bin/audit.ts', (dir) => [`root_dir=${posts}`, `out=${dir}`], 'out'],
  [
    'train',
    'packages/trainer/src/bin/train.ts',
    (dir) => [...run(), `training.checkpoint_dir=${dir}`],
    'training.checkpoint_dir',
  ],
  ['train in', 'packages/trainer/src/bin/train.ts', (dir) => [...run(), `hydra.run.dir=${dir}`], 'hydra.run.dir'],
  [
    'evaluate',
    'packages/trainer/src/bin/evaluate.ts',
    (dir) => [...run(), `evaluation.checkpoint=${checkpoint()}`, `evaluation.output_dir=${dir}`],
    'evaluation.output_dir',
  ],
  [
    'export',
    'packages/exporter/src/bin/export.ts',
    (dir) => [...run(), `export.checkpoint=${checkpoint()}`, `export.output_dir=${dir}`],
    'export.output_dir',
  ],
  ['dvc:plots', 'packages/dvc/src/bin/plots.ts', (dir) => [path.join(root.dir, 'run/metrics.jsonl'), dir], ''],
];

/** One line with a code, the place, the reason and what to set; no stack. */
async function expectRefusal(entry: string, args: string[], told: RegExp): Promise<void> {
  const { code, stderr } = await runEntry(entry, args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^CROSSCHECK_\w+: .*$/m) });
  expect(stderr).toMatch(told);
  expect(stderr).not.toMatch(/^ {4}at /m);
}

describe('a place that cannot be written', { timeout: slowMs }, () => {
  it.each(commands)('is an error of %s that names it', async (_, entry, args, key) => {
    await expectRefusal(
      entry,
      args(path.join(file, 'out')),
      /a file stands where a folder is needed \(E(NOTDIR|EXIST)\)/,
    );
    expect((await runEntry(entry, args(path.join(file, 'out')))).stderr).toContain(key);
  });
});

describe.skipIf(!isMounted)('a full place (skipped: nothing can be mounted here)', { timeout: slowMs }, () => {
  it.each(commands)('is an error of %s, and nothing half-written stands there', async (_, entry, args) => {
    const place = path.join(full, 'out');
    rmSync(place, { recursive: true, force: true });
    await expectRefusal(entry, args(place), /no space is left there \(ENOSPC\)/);
    const left = readdirSync(full, { recursive: true }).map(String);
    expect(left.filter((name) => /\.(csv|html|safetensors|onnx|png)$/.test(name))).toEqual([]);
  });
});
