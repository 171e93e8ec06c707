import { existsSync, readdirSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingStateFile } from '../src/run/training-state.ts';
import { copyPosts, editLine, makePosts, testFolder, trainCsv } from './support/posts.ts';
import { shortRun } from './support/run-train.ts';
import { expectSameFigures, expectSameRun, farApart } from './support/same-run.ts';
import { folderOf, type Team, trainTogether } from './support/train-together.ts';

const slowMs = 240_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');

beforeAll(() => makePosts(posts));
afterAll(root.remove);

/** 64 posts in 11 batches, the last of 4 posts: three steps an epoch, of four, four and three parts. */
const twoPhases = [
  'training.batch_size=6',
  'training.accumulate_steps=4',
  'training.phases={frozen: {num_epochs: 3, freeze_vision: true, freeze_text: true, learning_rate: 0.003}, ' +
    'finetune: {num_epochs: 4, freeze_vision: false, freeze_text: false, learning_rate: 0.001}}',
];

/** All that is random or weighs samples, with batch norm that moves in both phases. */
const everything = [
  ...twoPhases,
  'training.frozen_batch_norm=update',
  'data.augmentation.enabled=true',
  'model.missing_modality=learned',
  'training.modality_dropout={image: 0.2, text: 0.2}',
  'model.vision.stochastic_depth=0.2',
  'training.loss={name: focal, pos_weight: 1.5, label_smoothing: 0.1}',
];

/** Adam makes whole steps of gradients that are 0 but for rounding, which is another one for another order of adding up; a large epsilon does not. */
const noStepsOfNoise = 'training.adam_epsilon=1e-5';

const train = (
  world: number,
  overrides: string[],
  { dir = testFolder(), ...team }: Partial<Team> & { dir?: string } = {},
) => trainTogether(dir, { world, overrides: [...shortRun(posts, dir), ...overrides], ...team });

describe('two, three and four workers', { timeout: slowMs }, () => {
  it('are one that accumulates: dropout, augmentation, missing modalities, moving batch norm, a short last step', async () => {
    const one = await train(1, [...everything, noStepsOfNoise]);
    expect(one.steps.length).toBe(21);
    expect(one.steps.map((line) => line['train/batch_size']).slice(0, 3)).toEqual([24, 24, 16]);
    for (const world of [2, 3, 4]) await expectSameRun(await train(world, [...everything, noStepsOfNoise]), one);
  });

  it('differ with Adam’s own epsilon only where a gradient is 0 in exact arithmetic', async () => {
    const [one, three] = [await train(1, everything), await train(3, everything)];
    expectSameFigures(three.steps, one.steps);
    const far = await farApart(three, one);
    // What shifts a whole channel ahead of a batch norm, or all keys of an attention, changes nothing that follows.
    const shifts = /attention\.k_lin\.bias$|features\.\d+\.\d+\.block\.\d+\.1\.bias$|running_mean$/;
    expect(far.filter((name) => !shifts.test(name))).toEqual([]);
  });

  it('are one on features that are computed once, in shares, for several views', async () => {
    const overrides = [
      ...twoPhases,
      noStepsOfNoise,
      'data.augmentation.enabled=true',
      'training.feature_cache.views=2',
      'training.class_balanced_sampling=true',
    ];
    const one = await train(1, overrides);
    expect(one.output).toContain('on features computed once');
    for (const world of [2, 4]) {
      const dir = testFolder();
      await expectSameRun(await train(world, overrides, { dir }), one);
      expect(readdirSync(path.join(dir, 'features')).length, 'one file for each split').toBe(2);
      const again = await train(world, [...overrides, `training.feature_cache.dir=${path.join(dir, 'features')}`]);
      expect(again.output).toContain('kept by an earlier run');
      await expectSameRun(again, one);
    }
  });

  it('are one on features that each of them keeps for itself', async () => {
    const overrides = [...twoPhases, noStepsOfNoise, 'training.phases.finetune.num_epochs=1'];
    const one = await train(1, overrides);
    const dir = testFolder();
    const own = (rank: number) => [
      `training.feature_cache.dir=${rank === 1 ? '/proc/none' : path.join(dir, `f${rank}`)}`,
    ];
    await expectSameRun(await train(3, overrides, { dir, own }), one);
  });

  it('are one where pictures cannot be read, also all of a part', async () => {
    const damaged = copyPosts(posts);
    for (const i of [0, 1, 2, 3, 4, 5, 20])
      truncateSync(path.join(damaged, `images/train/${String(i).padStart(5, '0')}.jpg`), 300);
    truncateSync(path.join(damaged, 'images/val/00003.jpg'), 300);
    const pixels = [
      ...everything,
      noStepsOfNoise,
      `data.root_dir=${damaged}`,
      'data.on_bad_sample=skip',
      'data.shuffle=false',
    ];
    const features = [...pixels, 'training.frozen_batch_norm=keep', 'data.augmentation.enabled=false'];
    for (const overrides of [pixels, features]) {
      const one = await train(1, overrides);
      expect(one.steps.map((line) => line['train/batch_size']).slice(0, 3)).toEqual(
        overrides === pixels ? [17, 24, 16] : [24, 24, 9],
      );
      for (const world of [2, 4]) await expectSameRun(await train(world, overrides), one);
    }
  });

  it('take a batch each when there are fewer, and say that a step is larger now', async () => {
    const four = await train(4, [...everything, noStepsOfNoise, 'training.accumulate_steps=1']);
    await expectSameRun(four, await train(1, [...everything, noStepsOfNoise]));
    expect(four.output).toContain(
      'phase frozen: each of 4 workers takes a batch, so a step has 24 posts instead of 6, while the learning rate stays 0.003; ' +
        'for so many more posts people raise it by up to 2 (Adam) or 4 times',
    );
  });
});

describe('a run of two workers that is killed', { timeout: slowMs }, () => {
  it('goes on with one, or with three, as if nothing had happened', async () => {
    const overrides = [...everything, noStepsOfNoise, 'training.save_every_steps=1'];
    const undisturbed = await train(2, overrides);
    // In mid-epoch, in the first phase and in the second one.
    for (const [diesAt, world] of [
      [5, 3],
      [14, 1],
    ] as const) {
      const dir = testFolder();
      await expect(train(2, overrides, { dir, diesAt })).rejects.toThrow('killed');
      const goneOn = await train(world, [...overrides, `training.resume=${folderOf(dir, 0)}`], { dir });
      expect(goneOn.output).toContain('resuming');
      await expectSameRun(goneOn, undisturbed);
    }
  });

  it('goes on with more than it has parts, in larger steps and over the same batches', async () => {
    const overrides = ['training.batch_size=6', 'training.accumulate_steps=2', 'training.save_every_steps=1'];
    const dir = testFolder();
    // Two steps of the first epoch are done: 4 of its 11 batches.
    await expect(train(2, overrides, { dir, diesAt: 3 })).rejects.toThrow('killed');
    const goneOn = await train(4, [...overrides, `training.resume=${folderOf(dir, 0)}`], { dir });
    expect(goneOn.steps.map((line) => line['train/batch_size'])).toEqual([12, 12, 24, 16, 24, 24, 16]);
  });
});

describe('of several workers', { timeout: slowMs }, () => {
  it('only the first one writes', async () => {
    const dir = testFolder();
    const checkpoints = (rank: number) => [`training.checkpoint_dir=${path.join(dir, `checkpoints${rank}`)}`];
    await train(3, [...everything, 'training.save_frequency=1'], { dir, own: checkpoints });
    expect(readdirSync(folderOf(dir, 0))).toEqual(expect.arrayContaining(['metrics.jsonl', trainingStateFile]));
    expect([1, 2].flatMap((rank) => readdirSync(folderOf(dir, rank)))).toEqual([]);
    expect([0, 1, 2].map((rank) => existsSync(path.join(dir, `checkpoints${rank}`)))).toEqual([true, false, false]);
  });

  const differing: [what: string, own: () => string[], message: string][] = [
    [
      'config',
      () => ['training.learning_rate=0.5'],
      'training.learning_rate is 0.002 for worker 0 and 0.5 for worker 1',
    ],
    ['posts', () => [`data.root_dir=${otherPosts()}`], "the sha256 of train's posts is"],
  ];

  it.each(differing)('another %s is refused before the first step, naming both', async (_, own, message) => {
    const dir = testFolder();
    const attempt = train(2, [], { dir, own: (rank) => (rank === 1 ? own() : []) });
    await expect(attempt).rejects.toMatchObject({
      code: 'CROSSCHECK_WORKERS_DIFFER',
      message: expect.stringContaining(message),
    });
    expect(existsSync(path.join(folderOf(dir, 0), 'metrics.jsonl'))).toBe(false);
  });

  it('other weights under the same name are refused', async () => {
    const dirs = [testFolder(), testFolder()];
    for (const [i, dir] of dirs.entries()) await train(1, ['training.num_epochs=1', `training.seed=${i}`], { dir });
    const from = ['model.load_model=true', 'model.best_model_name=best_model_1.8.safetensors'];
    const attempt = train(2, from, { own: (rank) => [`training.checkpoint_dir=${dirs[rank]}/checkpoints`] });
    await expect(attempt).rejects.toMatchObject({
      code: 'CROSSCHECK_WORKERS_DIFFER',
      message: expect.stringContaining('the sha256 of the weights is'),
    });
  });
});

/** The same posts with another text in one of them. */
function otherPosts(): string {
  const copy = copyPosts(posts);
  editLine(trainCsv(copy), 5, (line) => line.replace(/[aeiou]/, 'y'));
  return copy;
}
