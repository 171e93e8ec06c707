import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { trainConfigSchema } from '@crosscheck/config';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { readCheckpointMetadata } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFree, leavesOf, mayChange } from '../src/run/resume-keys.ts';
import { copyPosts, makePosts, testFolder, trainCsv } from './support/posts.ts';
import { bestCheckpoint, epochLines, readBits, readMetrics, withoutTimes } from './support/read-run.ts';
import { shortRun, type TrainedRun, trainHere } from './support/run-train.ts';
import { startTrain, trainEntry } from './support/start-train.ts';

// Processes start, servers stop and retries wait: on a busy machine that adds up.
const slowMs = 180_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const state = 'training_state.safetensors';
let whole: TrainedRun;

// Two phases of 16 steps an epoch: the first on two views of every picture that are kept, the second with everything random that there is.
const recipe = [
  'training.batch_size=4',
  'training.num_workers=1',
  'training.save_every_steps=3',
  'training.feature_cache.views=2',
  'training.report=false',
  'model.missing_modality=learned',
  'training.modality_dropout={image:0.2,text:0.2}',
  'training.phases={frozen:{num_epochs:1,freeze_vision:true,freeze_text:true},finetune:{num_epochs:2,learning_rate:0.0005}}',
];

/** Both phases say how long they are. */
const ownRun = (dir: string) => shortRun(posts, dir).filter((override) => !override.startsWith('training.num_epochs='));

beforeAll(async () => {
  await makePosts(posts);
  const dir = path.join(root.dir, 'whole');
  whole = await trainHere([...ownRun(dir), ...recipe], { dir });
});
afterAll(root.remove);

const start = (dir: string) => startTrain([...ownRun(dir), ...recipe], path.join(dir, 'run'));
const resume = (dir: string, ...overrides: string[]) =>
  trainHere([...ownRun(dir), ...recipe, `training.resume=${path.join(dir, 'run')}`, ...overrides], {
    dir: path.join(dir, 'elsewhere'),
  });

/** Metrics, final weights and moments, and the best checkpoint are those of a run that nobody touched. */
async function expectSameAsWhole(dir: string): Promise<void> {
  expect(withoutTimes(readMetrics(path.join(dir, 'run')))).toEqual(withoutTimes(readMetrics(whole.runDir)));
  const checkpoint = bestCheckpoint(path.join(dir, 'checkpoints'));
  expect(await readBits(checkpoint)).toEqual(await readBits(bestCheckpoint(whole.checkpointDir)));
  expect(await readBits(path.join(dir, 'run', state))).toEqual(await readBits(path.join(whole.runDir, state)));
}

describe('a run that is interrupted', { timeout: slowMs }, () => {
  it('by Ctrl-C in mid-epoch goes on as if nothing had happened', async () => {
    const dir = testFolder();
    const run = start(dir);
    await run.reach(21);
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 130, signal: null });
    expect(run.output()).toContain('SIGINT: stopping, and keeping what can be kept');
    expect(run.output()).toMatch(/training\.resume=.* goes on from here/);
    const done = readMetrics(run.runDir).at(-1)?.step ?? 0;
    expect(done).toBeGreaterThanOrEqual(21);
    expect(done).toBeLessThan(48);
    const resumed = await resume(dir);
    expect(resumed.output).toContain('resuming');
    expect(existsSync(path.join(dir, 'elsewhere/run/metrics.jsonl'))).toBe(false);
    await expectSameAsWhole(dir);
  });

  it('by kill -9 goes on from its last state, and the steps after it are not written twice', async () => {
    const dir = testFolder();
    const run = start(dir);
    await run.reach(26);
    run.child.kill('SIGKILL');
    expect(await run.ended).toMatchObject({ signal: 'SIGKILL' });
    const metrics = path.join(run.runDir, 'metrics.jsonl');
    appendFileSync(metrics, '{"step":99,"phase":"fine'); // a line cut in half
    await resume(dir);
    await expectSameAsWhole(dir);
  });

  it('by kill -9 in the frozen phase goes through both phases', async () => {
    const dir = testFolder();
    const run = start(dir);
    await run.reach(8);
    run.child.kill('SIGKILL');
    await run.ended;
    await resume(dir);
    await expectSameAsWhole(dir);
  });

  it('by two signals stops at once', async () => {
    const dir = testFolder();
    const run = start(dir);
    await run.reach(18);
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    const { code } = await run.ended;
    expect([130, 143]).toContain(code); // signals that come together have no order
  });
});

describe('a finished run', () => {
  it('has nothing left to do when it is resumed', async () => {
    const dir = path.join(root.dir, 'whole');
    const before = readMetrics(whole.runDir);
    await resume(dir);
    expect(readMetrics(whole.runDir)).toEqual(before);
    expect(epochLines(whole.runDir)).toHaveLength(3);
  });
});

describe('what may change on resume', { timeout: slowMs }, () => {
  const short = (data: string, dir: string) => [
    ...shortRun(data, dir),
    'training.num_epochs=1',
    'training.phases={frozen:{num_epochs:1,freeze_vision:true,freeze_text:true},finetune:{num_epochs:1}}',
  ];

  it('are the places of posts and checkpoints, the length of the last phase, and what follows training', async () => {
    const [dir, data] = [testFolder(), copyPosts(posts)];
    await trainHere(short(data, dir), { dir });
    const [moved, checkpoints] = [path.join(dir, 'moved'), path.join(dir, 'kept')];
    renameSync(data, moved);
    renameSync(path.join(dir, 'checkpoints'), checkpoints);
    const overrides = [
      `training.resume=${path.join(dir, 'run')}`,
      `data.root_dir=${moved}`,
      `training.checkpoint_dir=${checkpoints}`,
      `hydra.run.dir=${path.join(dir, 'other')}`,
      'training.phases.finetune.num_epochs=3',
      'calibration.enabled=true',
      'calibration.temperature=1.7',
    ];
    const { code, stdout, stderr } = await runEntry(trainEntry, overrides, { timeoutMs: slowMs });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('phase finetune: 3 epochs instead of 1; its onecycle learning rate is spread over all 3');
    expect(stdout).toContain(`data.root_dir was "${data}", now "${moved}"`);
    expect(stdout).toMatch(new RegExp(`Next:[^]*pnpm evaluate .*data\\.root_dir=${moved}`));
    const record = JSON.parse(readFileSync(path.join(dir, 'run/.hydra/result.json'), 'utf8')) as { status: string };
    expect(record.status).toBe('finished');
    expect(epochLines(path.join(dir, 'run')).map(({ phase, epoch }) => [phase, epoch])).toEqual([
      ['frozen', 1],
      ['finetune', 2],
      ['finetune', 3],
      ['finetune', 4],
    ]);
    expect(await readCheckpointMetadata(bestCheckpoint(checkpoints))).toMatchObject({ temperature: 1.7 });
    const refusals: [string, RegExp][] = [
      ['training.phases.frozen.num_epochs=2', /phase frozen is over/],
      ['training.phases.finetune.num_epochs=2', /has done 3 epochs already/],
      ['training.phases.finetune.learning_rate=1', /training.phases.finetune.learning_rate was not set, now 1/],
      ['calibration.holdout=0.5', /calibration.holdout was 0, now 0.5/],
      ['training.seed=1', /training.seed was 42, now 1/],
    ];
    for (const [override, message] of refusals) {
      const again = await runEntry(trainEntry, [...overrides.slice(0, 4), override], { timeoutMs: slowMs });
      expect(again.stderr).toMatch(message);
      expect(again.code).toBe(1);
    }
  });

  it('is said by one table, whose keys exist', () => {
    const known = schemaLeaves();
    const keys = mayChange.flatMap(([named]) => named);
    const exists = (key: string) =>
      key.includes('*') || known.some((name) => (key.endsWith('.') ? name.startsWith(key) : name === key));
    expect(keys.filter((key) => !exists(key))).toEqual([]);
    expect(['training.seed', 'training.batch_size', 'calibration.holdout', 'data.n_rows'].filter(isFree)).toEqual([]);
  });
});

const schemaLeaves = () => [...leavesOf(trainConfigSchema.parse({})).keys()];

describe('resuming refuses', () => {
  it('a folder without a state, and says where it looked', async () => {
    const dir = testFolder();
    await expect(resume(dir)).rejects.toThrow(
      `looked for ${path.join(dir, 'run')} and ${path.join(dir, 'run', state)}`,
    );
  });

  it('a file that is no training state', async () => {
    const dir = testFolder();
    writeFileSync(path.join(dir, 'x.safetensors'), readFileSync(bestCheckpoint(whole.checkpointDir)));
    const attempt = trainHere([...shortRun(posts, dir), `training.resume=${path.join(dir, 'x.safetensors')}`], { dir });
    await expect(attempt).rejects.toMatchObject({ code: 'CROSSCHECK_RESUME_STATE_INVALID' });
  });

  it('another config than the run was started with', async () => {
    const dir = path.join(root.dir, 'whole');
    await expect(resume(dir, 'training.weight_decay=0.5')).rejects.toMatchObject({
      code: 'CROSSCHECK_RESUME_MISMATCH',
      message: expect.stringContaining('training.weight_decay was 0.01, now 0.5'),
    });
  });

  it('posts that changed since', async () => {
    const data = copyPosts(posts);
    const dir = testFolder();
    const own = [...shortRun(data, dir), 'training.num_epochs=1', 'training.report=false'];
    await trainHere(own, { dir });
    appendFileSync(trainCsv(data), '\n');
    await expect(trainHere([...own, `training.resume=${path.join(dir, 'run')}`], { dir })).rejects.toThrow(
      /train changed since .*another sha256/,
    );
  });

  it('a best checkpoint that is gone', async () => {
    const dir = testFolder();
    const own = [...shortRun(posts, dir), 'training.num_epochs=1', 'training.report=false'];
    const { checkpointDir } = await trainHere(own, { dir });
    rmSync(bestCheckpoint(checkpointDir));
    await expect(trainHere([...own, `training.resume=${path.join(dir, 'run')}`], { dir })).rejects.toThrow(
      'best_model_1.8.safetensors',
    );
  });
});
