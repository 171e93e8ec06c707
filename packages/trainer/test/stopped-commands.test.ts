import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { copyPosts, makePosts, testFolder } from './support/posts.ts';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { startTrain } from './support/start-train.ts';

const slowMs = 300_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const artifact = path.join(root.dir, 'artifact');
const checkpoint = () => bestCheckpoint(path.join(root.dir, 'checkpoints'));

beforeAll(async () => {
  await makePosts(posts);
  await trainHere([...shortRun(posts, root.dir), 'training.num_epochs=1'], root);
  const made = await runEntry('packages/exporter/src/bin/export.ts', [
    ...shortRun(posts, root.dir),
    `export.checkpoint=${checkpoint()}`,
    `export.output_dir=${artifact}`,
  ]);
  if (made.code !== 0) throw new Error(`there is no artifact to judge with: ${made.stderr}`);
}, slowMs);
afterAll(root.remove);

/** Posts of which a split has so many rows that no command is done with them before a signal comes. */
function longPosts(split: 'val' | 'test'): string {
  const dir = copyPosts(posts);
  const file = path.join(dir, `${split}.csv`);
  const [header = '', ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  writeFileSync(file, `${[header, ...Array.from({ length: 400 }, () => rows).flat()].join('\n')}\n`);
  return dir;
}

interface Started {
  child: ChildProcess;
  stderr: () => string;
  ended: Promise<{ code: number | null; signal: string | null }>;
}

function start(entry: string, args: string[]): Started {
  const node = ['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), ...args];
  const child = spawn(process.execPath, node, { cwd: repositoryRoot, stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, stderr: () => stderr, ended };
}

/** Waits until a file is there, with a text in it. */
async function waitFor(child: ChildProcess, file: string, text = ''): Promise<void> {
  while (!(existsSync(file) && (text === '' || readFileSync(file, 'utf8').includes(text)))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended before ${file} was there`);
    await sleep(5);
  }
}

const recordOf = (dir: string) => JSON.parse(readFileSync(path.join(dir, 'run/.hydra/result.json'), 'utf8'));

/** Everything that stands in a folder, but what a run folder keeps of every run. */
function filesIn(dir: string): string[] {
  const kept = /(^|\/)run(\/\.hydra(\/.*)?|\/\w+(-\w+)?\.log)?$/;
  return readdirSync(dir, { recursive: true })
    .map(String)
    .filter((name) => !kept.test(name));
}

const ofRun = 'run/.hydra/overrides.yaml';

/** Command, entry point, its arguments in a folder, the file that shows that it has begun. */
const commands: [string, string, (dir: string) => string[], string][] = [
  [
    'evaluate',
    'packages/trainer/src/bin/evaluate.ts',
    (dir) => [...shortRun(longPosts('test'), dir), `evaluation.checkpoint=${checkpoint()}`],
    ofRun,
  ],
  [
    'calibrate',
    'packages/trainer/src/bin/calibrate.ts',
    (dir) => [...shortRun(longPosts('val'), dir), `calibration.checkpoint=${checkpoint()}`],
    ofRun,
  ],
  [
    'infer',
    'packages/inference/src/bin/infer.ts',
    (dir) => [
      `hydra.run.dir=${dir}/run`,
      'inference.mode=batch',
      `inference.checkpoint.path=${artifact}`,
      ...batchOf(longPosts('test')),
      `inference.batch.output_file=${dir}/judged.csv`,
    ],
    ofRun,
  ],
  [
    'score',
    'packages/scoring/src/bin/score.ts',
    (dir) => [
      `hydra.run.dir=${dir}/run`,
      `inference.checkpoint.path=${artifact}`,
      ...shardsOf(longPosts('test')),
      `score.output=${dir}/scored`,
    ],
    ofRun,
  ],
  [
    'export',
    'packages/exporter/src/bin/export.ts',
    (dir) => [
      ...shortRun(posts, dir),
      `export.checkpoint=${checkpoint()}`,
      'export.precision=int8',
      `export.output_dir=${dir}/artifact`,
    ],
    ofRun,
  ],
  ['data:demo', 'packages/demo/src/bin/demo.ts', (dir) => [`dir=${dir}/demo`], 'demo/images/train'],
];

const batchOf = (dir: string) => [
  `inference.batch.csv_file=${dir}/test.csv`,
  `inference.batch.root_dir=${dir}`,
  'inference.batch.n_rows=-1',
];

function shardsOf(dir: string): string[] {
  const shards = path.join(dir, 'shards');
  mkdirSync(shards);
  writeFileSync(path.join(shards, 'a.csv'), readFileSync(path.join(dir, 'test.csv')));
  return [`score.shards=${shards}`, `score.images=${dir}`];
}

describe('SIGTERM', { timeout: slowMs }, () => {
  it.each(commands)('ends %s with 143 and one line, and leaves nothing half-written', async (_, entry, args, sign) => {
    const dir = testFolder();
    const { child, stderr, ended } = start(entry, args(dir));
    await waitFor(child, path.join(dir, sign));
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 143, signal: null });
    const lines = stderr().trim().split('\n');
    expect(lines.at(-1)).toBe('CROSSCHECK_COMMAND_INTERRUPTED: ended by SIGTERM before it was done');
    expect(lines.filter((line) => line.startsWith('CROSSCHECK_') || /^ {4}at /.test(line))).toHaveLength(1);
    const left = filesIn(dir).filter((name) => !/^demo(\/images(\/train(\/\d+\.jpg)?)?)?$/.test(name));
    expect(left).toEqual([]);
    const record = sign === ofRun ? recordOf(dir) : { status: 'interrupted' };
    expect(record).toMatchObject({ status: 'interrupted' });
  });

  // What is seen in the run folder when the signal comes, and the split that makes this last.
  it.each([
    ['the last validation', 'metrics.jsonl', '{"step":4,'],
    ['the figures of the report', 'metrics.jsonl', '"epoch":'],
    ['the upload', 'report.html', ''],
  ])('in %s of train ends it as interrupted, and its MLflow run as KILLED', async (what, file, text) => {
    const dir = testFolder();
    const runDir = path.join(dir, 'run');
    const data = what === 'the upload' ? posts : longPosts('val');
    const tracked = ['mlflow.enabled=true', `mlflow.tracking_uri=sqlite:///${dir}/mlflow.db`, 'training.report=true'];
    const train = startTrain([...shortRun(data, dir), 'training.num_epochs=1', ...tracked], runDir);
    await waitFor(train.child, path.join(runDir, file), text);
    train.child.kill('SIGTERM');
    expect(await train.ended).toEqual({ code: 143, signal: null });
    expect(recordOf(dir)).toMatchObject({ status: 'interrupted', error: { code: 'CROSSCHECK_COMMAND_INTERRUPTED' } });
    expect(train.output()).toContain(`training.resume=${path.relative(repositoryRoot, runDir)} goes on from here`);
    expect(existsSync(path.join(runDir, 'training_state.safetensors'))).toBe(true);
    const database = new DatabaseSync(path.join(dir, 'mlflow.db'));
    expect(database.prepare('select status from runs').all()).toMatchObject([{ status: 'KILLED' }]);
    database.close();
  });
});

/** Runs a command whose reader goes away after the first line, as `| head -1` does. */
async function withHead(entry: string, args: string[]): Promise<{ code: number | null; line: string; stderr: string }> {
  const node = ['--conditions=@crosscheck/source', path.join(repositoryRoot, entry), ...args];
  const child = spawn(process.execPath, node, { cwd: repositoryRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [line, stderr] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').once('data', (text: string) => {
    line = text.split('\n')[0] as string;
    child.stdout.destroy();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, line, stderr };
}

describe('a reader that goes away after the first line', { timeout: slowMs }, () => {
  it.each<[string, string, (dir: string) => string[], string]>([
    [
      'infer',
      'packages/inference/src/bin/infer.ts',
      (dir) => [
        `hydra.run.dir=${dir}/run`,
        'inference.mode=batch',
        `inference.checkpoint.path=${artifact}`,
        ...batchOf(posts),
        `inference.batch.output_file=${dir}/judged.csv`,
      ],
      'judged.csv',
    ],
    [
      'evaluate',
      'packages/trainer/src/bin/evaluate.ts',
      (dir) => [...shortRun(posts, dir), `evaluation.checkpoint=${checkpoint()}`, `evaluation.output_dir=${dir}/out`],
      'out/eval_results.json',
    ],
    [
      'data:audit',
      'packages/curation/src/bin/audit.ts',
      (dir) => [`root_dir=${posts}`, `out=${dir}/out`],
      'out/audit.html',
    ],
  ])('does not end %s, which writes all of its output', async (_, entry, args, file) => {
    const dir = testFolder();
    const { code, line, stderr } = await withHead(entry, args(dir));
    expect(line).not.toBe('');
    expect({ code, stderr: stderr.replace(/^(warning|!).*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(path.join(dir, file))).toBe(true);
  });
});
