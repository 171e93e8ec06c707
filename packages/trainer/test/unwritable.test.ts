import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
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
const locked = path.join(root.dir, 'locked');
mkdirSync(locked);
const isLocked = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', locked]).status === 0;
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]).status === 0;

beforeAll(async () => {
  await makePosts(posts);
  await trainHere([...shortRun(posts, root.dir), 'training.num_epochs=1'], root);
  await makeSources();
  writeFileSync(file, 'a file');
  if (isMounted) spawnSync('dd', ['if=/dev/zero', `of=${full}/rest`, 'bs=1k']);
}, slowMs);
afterAll(() => {
  if (isMounted) spawnSync('umount', [full]);
  if (isLocked) spawnSync('umount', [locked]);
  root.remove();
});

const run = () => shortRun(posts, root.dir).filter((override) => !override.startsWith('training.checkpoint_dir='));

/** Command, entry point, its arguments for a place, the key that names the place. */
const commands: [string, string, (place: string) => string[], string][] = [
  ['data:demo', 'packages/demo/src/bin/demo.ts', (dir) => [`dir=${dir}`, 'train=8', 'val=4', 'test=4'], 'dir'],
  [
    'data:folder',
    'packages/curation/src/bin/folder.ts',
    (dir) => [`train=${posts}/train.csv`, `images_dir=${posts}`, `dir=${dir}`],
    'dir',
  ],
  ['data:split', 'packages/curation/src/bin/split.ts', (dir) => [`root_dir=${posts}`, `dir=${dir}`], 'dir'],
  ['data:audit', 'packages/curation/src/bin/audit.ts', (dir) => [`root_dir=${posts}`, `out=${dir}`], 'out'],
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

const [artifact, shards, fakeddit, memes] = ['artifact', 'shards', 'fakeddit', 'memes'].map((name) =>
  path.join(root.dir, name),
) as [string, string, string, string];
const tokenizer = path.join(repositoryRoot, 'assets/tiny/tokenizer.json');
const runFolder = path.join(root.dir, 'run');
const inRunFolder = [`hydra.run.dir=${root.dir}/own`];

/** What the further commands read. */
async function makeSources(): Promise<void> {
  const made = await runEntry('packages/exporter/src/bin/export.ts', [
    ...run(),
    `export.checkpoint=${checkpoint()}`,
    `export.output_dir=${artifact}`,
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  for (const folder of [shards, fakeddit, path.join(memes, 'img')]) mkdirSync(folder, { recursive: true });
  cpSync(path.join(posts, 'test.csv'), path.join(shards, 'a.csv'));
  for (const split of ['train', 'validate', 'test_public']) {
    const rows = [0, 1].map((i) => [
      `0000${i}`,
      `words ${split} ${i}`,
      'http://127.0.0.1/a.jpg',
      1 - i,
      2 * i,
      i,
      'sub',
      1,
      'a',
    ]);
    const header = [
      'id',
      'clean_title',
      'image_url',
      '2_way_label',
      '3_way_label',
      '6_way_label',
      'subreddit',
      'score',
      'author',
    ];
    writeFileSync(
      path.join(fakeddit, `multimodal_${split}.tsv`),
      [header, ...rows].map((row) => `${row.join('\t')}\n`).join(''),
    );
  }
  cpSync(path.join(posts, 'images/test'), path.join(memes, 'img'), { recursive: true });
  const memeRows = [0, 1].map((label) => ({ id: label, img: `img/0000${label}.jpg`, text: `words ${label}`, label }));
  writeFileSync(path.join(memes, 'train.jsonl'), memeRows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** Commands that need more than the posts of train; the same columns. */
const furtherCommands: typeof commands = [
  [
    'calibrate',
    'packages/trainer/src/bin/calibrate.ts',
    (dir) => [...run(), `calibration.checkpoint=${checkpoint()}`, `hydra.run.dir=${dir}`],
    'hydra.run.dir',
  ],
  [
    'infer',
    'packages/inference/src/bin/infer.ts',
    (dir) => [
      ...inRunFolder,
      'inference.mode=batch',
      `inference.checkpoint.path=${artifact}`,
      `inference.batch.csv_file=${posts}/test.csv`,
      `inference.batch.root_dir=${posts}`,
      `inference.batch.output_file=${dir}/judged.csv`,
    ],
    'inference.batch.output_file',
  ],
  [
    'score',
    'packages/scoring/src/bin/score.ts',
    (dir) => [
      ...inRunFolder,
      `inference.checkpoint.path=${artifact}`,
      `score.shards=${shards}`,
      `score.images=${posts}`,
      'score.restarts=0',
      `score.output=${dir}`,
    ],
    'score.output',
  ],
  [
    'score:split',
    'packages/scoring/src/bin/split.ts',
    (dir) => [...inRunFolder, `score.input=${posts}/test.csv`, `score.shards=${dir}`],
    'score.shards',
  ],
  [
    'data:fakeddit',
    'packages/curation/src/bin/fakeddit.ts',
    (dir) => [`source=${fakeddit}`, `images_dir=${posts}/images/test`, 'download=false', `dir=${dir}`],
    'dir',
  ],
  [
    'data:hateful-memes',
    'packages/curation/src/bin/hateful-memes.ts',
    (dir) => [`source=${memes}`, `dir=${dir}`],
    'dir',
  ],
  [
    'data:tfrecord',
    'packages/curation/src/bin/tfrecord.ts',
    (dir) => ['action=write', `source=${posts}/test.csv`, `tokenizer=${tokenizer}`, `dir=${dir}`],
    'dir',
  ],
  [
    'data:suspects',
    'packages/trainer/src/bin/suspects.ts',
    (dir) => [...run(), `suspects.output_dir=${dir}`],
    'suspects.output_dir',
  ],
  [
    'compare',
    'packages/trainer/src/bin/compare.ts',
    (dir) => [runFolder, runFolder, ...inRunFolder, `compare.output_dir=${dir}`],
    'compare.output_dir',
  ],
];

/** One line with a code, the place, the reason and what to set; no stack. */
async function expectRefusal(entry: string, args: string[], told: RegExp): Promise<string> {
  const { code, stderr } = await runEntry(entry, args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^CROSSCHECK_\w+: .*$/m) });
  expect(stderr).toMatch(told);
  expect(stderr).not.toMatch(/^ {4}at /m);
  return stderr;
}

describe('a place that cannot be written', { timeout: slowMs }, () => {
  it.each([...commands, ...furtherCommands])('is an error of %s that names it', async (_, entry, args, key) => {
    const stderr = await expectRefusal(
      entry,
      args(path.join(file, 'out')),
      /a file stands where a folder is needed \(E(NOTDIR|EXIST)\)/,
    );
    expect(stderr).toContain(key);
  });
});

describe.skipIf(!isMounted)('a full place (skipped: nothing can be mounted here)', { timeout: slowMs }, () => {
  it.each([...commands, ...furtherCommands])(
    'is an error of %s, and nothing half-written stands there',
    async (command, entry, args) => {
      const place = path.join(full, 'out');
      rmSync(place, { recursive: true, force: true });
      await expectRefusal(entry, args(place), /no space is left there \(ENOSPC\)/);
      const left = readdirSync(full, { recursive: true })
        .map(String)
        // A journal, line by line: the next run goes on from it.
        .filter((name) => name !== 'out/ledger.jsonl' || command !== 'data:fakeddit');
      expect(
        left.filter((name) =>
          /\.(csv|html|json|jsonl|tsv|jpg|safetensors|onnx|png|tfrecord|txt)$|\.part$|^\.artifact/.test(name),
        ),
      ).toEqual([]);
    },
  );
});

/** Where the system refuses in the same way, some stand for all, unless there is time. */
const all = [...commands, ...furtherCommands];
const some = process.env['CROSSCHECK_SLOW_TESTS']
  ? all
  : all.filter(([name]) => ['data:demo', 'data:split', 'evaluate', 'export', 'infer', 'score:split'].includes(name));

describe.skipIf(!isLocked)(
  'a read-only file system (skipped: nothing can be mounted here)',
  { timeout: slowMs },
  () => {
    it.each(some)('is an error of %s that names it', async (_, entry, args, key) => {
      const stderr = await expectRefusal(
        entry,
        args(path.join(locked, 'out')),
        /the file system is read-only \(EROFS\)/,
      );
      expect(stderr).toContain(key);
    });
  },
);

it.skipIf(process.platform !== 'linux')(
  'a place that says of folders that they are not there is an error, and nothing waits for it',
  async () => {
    const [, entry, args] = commands.find(([name]) => name === 'data:demo') as (typeof commands)[number];
    await expectRefusal(entry, args('/proc/crosscheck/out'), /\(ENOENT\)/);
  },
  slowMs,
);

// Others may enter it, and read the posts in it.
const open = mkdtempSync('/tmp/crosscheck-unwritable-');
afterAll(() => rmSync(open, { recursive: true, force: true }));

const uid = 54_323;
const asUser = (args: string[]) =>
  spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, ...args], {
    cwd: '/',
    env: { ...process.env, CROSSCHECK_CACHE: path.join(open, 'cache') },
    encoding: 'utf8',
  });
const readable = path.join(repositoryRoot, 'package.json');
const canBe = asUser(['-e', `fs.readFileSync(${JSON.stringify(readable)})`]).status === 0;

describe.skipIf(!canBe)(
  'a place of another user (skipped: needs root, and a checkout that others may read)',
  { timeout: slowMs },
  () => {
    const kept = path.join(open, 'kept');
    beforeAll(() => {
      mkdirSync(kept);
      cpSync(posts, path.join(open, 'posts'), { recursive: true });
      chmodSync(open, 0o755);
    });

    it.each<[string, string, string[], string]>([
      ['data:demo', 'packages/demo/src/bin/demo.ts', ['train=8', 'val=4', 'test=4', `dir=${kept}/out`], 'dir'],
      ['data:split', 'packages/curation/src/bin/split.ts', [`root_dir=${open}/posts`, `dir=${kept}/out`], 'dir'],
      ['data:audit', 'packages/curation/src/bin/audit.ts', [`root_dir=${open}/posts`, `out=${kept}/out`], 'out'],
      ['score:split', 'packages/scoring/src/bin/split.ts', [`hydra.run.dir=${kept}/out`], 'hydra.run.dir'],
    ])('is an error of %s that names the user', (_, entry, args, key) => {
      const { status, stderr } = asUser(['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), ...args]);
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^CROSSCHECK_\w+: .*$/m) });
      expect(stderr).toContain(`user ${uid} has no permission (EACCES)`);
      expect(stderr).toContain(key);
      expect(stderr).not.toMatch(/^ {4}at /m);
    });
  },
);
