import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createModel } from '@crosscheck/engine';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSplit } from '../src/data/run-data.ts';
import { copyPosts, editLine, makePosts, testFolder, trainCsv } from './support/posts.ts';
import { stepLines } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { trainEntry } from './support/start-train.ts';
import { stepOn, stepOptions, tinyInput, tinyModelOptions, weightBits } from './support/tiny-step.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');

beforeAll(() => makePosts(posts));
afterAll(root.remove);

const train = (dir: string, data: string, ...overrides: string[]) =>
  trainHere([...shortRun(data, dir), ...overrides], { dir });

describe('a loss that is not finite', () => {
  it('skips the step and changes neither weights, statistics nor moments', async () => {
    const model = createModel(tinyModelOptions());
    const statistics = () => [...model.buffers.values()].map((buffer) => [...buffer.dataSync()]);
    const [before, statisticsBefore] = [weightBits(model), statistics()];
    const options = stepOptions(model);
    const input = { ...tinyInput(), label: Float32Array.of(Number.NaN, 1) };
    const outcome = await stepOn(options, [input], { phaseStep: 0, step: 0, epoch: 0 });
    expect(outcome).toMatchObject({ skipped: true, loss: Number.NaN });
    expect(weightBits(model)).toEqual(before);
    expect(statistics()).toEqual(statisticsBefore);
    expect(options.optimizer.state().steps).toEqual({});
    model.dispose();
  });

  it('ends the run after training.max_skipped_steps of them in a row', async () => {
    const dir = testFolder();
    const diverging = ['training.learning_rate=1e30', 'training.scheduler=constant', 'training.max_skipped_steps=3'];
    const attempt = train(dir, posts, ...diverging, 'training.batch_size=8');
    await expect(attempt).rejects.toMatchObject({
      code: 'CROSSCHECK_TRAINING_DIVERGED',
      message: expect.stringContaining('3 steps in a row after step 1 of phase finetune'),
    });
    expect(stepLines(path.join(dir, 'run')).map(({ step }) => step)).toEqual([1]);
  });
});

describe('bad posts', () => {
  it('end the command with file and line, and a stable code', async () => {
    const data = copyPosts(posts);
    editLine(trainCsv(data), 4, (line) => line.replace(/,[01],/, ',2,'));
    const { code, stderr } = await runEntry(trainEntry, shortRun(data, testFolder()));
    expect(code).toBe(1);
    expect(stderr).toContain(
      `CROSSCHECK_DATA_BAD_LABEL: ${trainCsv(data)}:4: label must be 0 (REAL) or 1 (FAKE), got "2"`,
    );
    expect(stderr).not.toContain('    at ');
  });

  it('say where a missing picture was looked for', async () => {
    const data = copyPosts(posts);
    editLine(trainCsv(data), 3, (line) => line.replace(/[^,]*\.jpg/, 'gone.jpg'));
    const elsewhere = path.join(testFolder(), 'pictures');
    const attempt = train(testFolder(), data, `data.images_dir_train=${elsewhere}`);
    await expect(attempt).rejects.toThrow(
      new RegExp(`train\\.csv:3: there is no image at ${elsewhere}/gone\\.jpg.*, nor at ${data}/gone\\.jpg`),
    );
  });

  it('that cannot be decoded stop training, naming the row', async () => {
    const data = copyPosts(posts);
    const picture =
      readFileSync(trainCsv(data), 'utf8')
        .split('\n')[1]
        ?.match(/[^,"]*\.jpg/)?.[0] ?? '';
    writeFileSync(path.join(data, picture), 'not a picture');
    await expect(train(testFolder(), data)).rejects.toThrow(/train\.csv:2: /);
  });

  it('are left out and counted with data.on_bad_sample=skip', async () => {
    const data = copyPosts(posts);
    editLine(trainCsv(data), 4, (line) => line.replace(/,[01],/, ',2,'));
    const picture =
      readFileSync(trainCsv(data), 'utf8')
        .split('\n')[1]
        ?.match(/[^,"]*\.jpg/)?.[0] ?? '';
    writeFileSync(path.join(data, picture), 'not a picture');
    const { runDir, output } = await train(testFolder(), data, 'data.on_bad_sample=skip', 'training.num_epochs=1');
    expect(output).toMatch(/train: 63 posts, .*; 1 rows left out, the first: .*train\.csv:4:/);
    expect(output).toMatch(/1 pictures? could not be read.*train\.csv:2:/);
    const sizes = stepLines(runDir).map((line) => line['train/batch_size'] as number);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(62);
  });
});

describe('posts in both train and val', () => {
  it('stop the run, are named with data.on_overlap=warn, and are not looked for with ignore', async () => {
    const data = copyPosts(posts);
    const [header = '', first = ''] = readFileSync(trainCsv(data), 'utf8').split('\n');
    const val = path.join(data, 'val.csv');
    const rows = readFileSync(val, 'utf8').trimEnd().split('\n').slice(1);
    writeFileSync(val, `${[header, ...rows, first].join('\n')}\n`);
    const here = (onOverlap: string) =>
      train(testFolder(), data, `data.on_overlap=${onOverlap}`, 'training.num_epochs=1', 'training.num_steps=1');
    await expect(here('error')).rejects.toMatchObject({
      code: 'CROSSCHECK_DATA_OVERLAP',
      message: expect.stringMatching(
        /1 with the same picture and words in both: .*train\.csv:2 = .*val\.csv:\d+; .*pnpm data:split/,
      ),
    });
    expect((await here('warn')).output).toContain('1 with the same picture and words in both');
    expect((await here('ignore')).output).not.toContain('the same picture');
  });
});

describe('posts', () => {
  /** A copy of the posts in which one split has a single label. */
  function oneSided(split: string, label: '0' | '1'): string {
    const data = copyPosts(posts);
    const file = path.join(data, `${split}.csv`);
    const [header = '', ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
    const kept = rows.filter((row) => new RegExp(`,${label}(,|$)`).test(row));
    writeFileSync(file, `${[header, ...kept].join('\n')}\n`);
    return data;
  }
  const refused = (counts: string) => ({
    code: 'CROSSCHECK_DATA_ONE_CLASS',
    message: expect.stringMatching(new RegExp(`${counts}.*data\\.on_one_class=warn`)),
  });

  it.each([
    ['train', '0', '32 REAL and 0 FAKE in train'],
    ['train', '1', '0 REAL and 32 FAKE in train'],
    ['val', '1', '0 REAL and 16 FAKE in val'],
  ] as const)(
    'of one label stop training, calibration and evaluation: %s with %s only',
    async (split, label, counts) => {
      const data = oneSided(split, label);
      await expect(train(testFolder(), data)).rejects.toMatchObject(refused(counts));
      const { output } = await train(testFolder(), data, 'data.on_one_class=warn', 'training.num_steps=1');
      expect(output).toContain(`warning: expected posts of both labels, got ${counts}`);
    },
  );

  it('of one label in the head that data.n_rows takes are told of that key', async () => {
    const data = copyPosts(posts);
    const [header = '', ...rows] = readFileSync(trainCsv(data), 'utf8').trimEnd().split('\n');
    const sorted = rows.toSorted((a, b) => Number(/,1(,|$)/.test(a)) - Number(/,1(,|$)/.test(b)));
    writeFileSync(trainCsv(data), `${[header, ...sorted].join('\n')}\n`);
    await expect(train(testFolder(), data, 'data.n_rows=30')).rejects.toMatchObject(
      refused('30 REAL and 0 FAKE in train.*data\\.n_rows=30 cuts one off: data\\.n_rows=-1'),
    );
  });

  it('of one label stop pnpm calibrate and pnpm evaluate too', async () => {
    const dir = testFolder();
    await train(dir, posts, 'training.num_steps=1');
    const shared = [...shortRun(oneSided('test', '0'), dir), `hydra.run.dir=${dir}/later`];
    const kept = ['calibration.split=test', 'calibration.temperature=2'];
    const quick = ['evaluation.ablations=false', 'evaluation.resamples=100'];
    for (const [entry, own, what] of [
      ['calibrate', kept, 'calibration'],
      ['evaluate', quick, 'test'],
    ] as const) {
      const file = `packages/trainer/src/bin/${entry}.ts`;
      const stopped = await runEntry(file, [...shared, ...own]);
      expect(stopped.code).toBe(1);
      expect(stopped.stderr).toContain(
        `CROSSCHECK_DATA_ONE_CLASS: expected posts of both labels, got 16 REAL and 0 FAKE in ${what}`,
      );
      const goneOn = await runEntry(file, [...shared, ...own, 'data.on_one_class=warn']);
      expect(goneOn.stderr).toContain(`16 REAL and 0 FAKE in ${what}`);
      expect(goneOn.code).toBe(0);
    }
  });
});

describe('image paths', () => {
  it('are looked for in the images folder first, then beside the CSV', async () => {
    const { output } = await train(
      testFolder(),
      posts,
      `data.images_dir_train=${testFolder()}`,
      `data.images_dir_val=${path.join(posts, 'nowhere')}`,
      'training.num_steps=1',
    );
    expect(output).toContain('train: 64 posts');
  });
});

describe('one CSV', () => {
  it('is divided by data.train_split, each label alike, and the same in every run', async () => {
    const own = [`data.csv_file=${trainCsv(posts)}`, 'data.train_split=0.75', 'training.num_epochs=1'];
    const first = await train(testFolder(), posts, ...own);
    expect(first.output).toContain('train: 48 posts, 24 of them FAKE');
    expect(first.output).toContain('val: 16 posts, 8 of them FAKE');
    const again = await train(testFolder(), posts, ...own, 'training.seed=7');
    const states = [first, again].map(({ config }) => readSplit(config, 'val'));
    const [a, b] = await Promise.all(states);
    expect(b?.samples.map(({ line }) => line)).toEqual(a?.samples.map(({ line }) => line));
    const { samples } = await readSplit(first.config, 'train');
    const lines = [...samples, ...(a?.samples ?? [])].map(({ line }) => line);
    expect(lines.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 64 }, (_, i) => i + 2));
  });
});

describe('folders that cannot be written', () => {
  it('end the run with what to do, before anything is computed', async () => {
    const dir = testFolder();
    writeFileSync(path.join(dir, 'file'), '');
    const attempt = train(dir, posts, `training.checkpoint_dir=${path.join(dir, 'file/checkpoints')}`);
    await expect(attempt).rejects.toMatchObject({
      code: 'CROSSCHECK_RUN_UNWRITABLE',
      message: expect.stringContaining('training.checkpoint_dir'),
    });
  });

  it('on a full disk keep what was written before', async () => {
    const dir = testFolder();
    mkdirSync(path.join(dir, 'run'));
    symlinkSync('/dev/full', path.join(dir, 'run/metrics.jsonl'));
    await expect(train(dir, posts)).rejects.toMatchObject({
      code: 'CROSSCHECK_RUN_UNWRITABLE',
      message: expect.stringMatching(/metrics\.jsonl: no space is left there \(ENOSPC\).*training\.resume/),
    });
  });
});
