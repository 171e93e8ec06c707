import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Artifact, type CheckpointMetadata, createRandom, type SeenRows, sigmoid } from '@crosscheck/contract';
import { chooseThreshold, computeMetrics, fitTemperature } from '@crosscheck/evaluation';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { readCheckpointMetadata } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calibrateOn } from '../src/calibrate/calibrate-on.ts';
import { mayOverlap, usesOf } from '../src/calibrate/seen-rows.ts';
import type { SplitRows } from '../src/data/divide-split.ts';
import { readCalibrationSplit, readSplit } from '../src/data/run-data.ts';
import { evaluate } from '../src/evaluate/evaluate.ts';
import type { EvaluationResult } from '../src/evaluate/evaluate-split.ts';
import { makePosts } from './support/posts.ts';
import { bestCheckpoint, readBits } from './support/read-run.ts';
import { quietly, runOf, shortRun, type TrainedRun, trainHere } from './support/run-train.ts';
import { composeTiny } from './support/tiny-step.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
beforeAll(async () => {
  await makePosts(posts);
});
afterAll(root.remove);

const linesOf = ({ samples }: SplitRows) => samples.map(({ line }) => line);

describe('rows', () => {
  const whole = { file: 'a', part: [] };
  const half = (which: string) => ({ file: 'a', part: [`holdout=0.5:${which}`] });

  it.each([
    ['the same rows', whole, whole, true],
    ['other files', whole, { file: 'b', part: [] }, false],
    ['a part and the whole', whole, half('kept'), true],
    ['the two halves', half('rest'), half('kept'), false],
    ['parts that were made in different ways', half('kept'), { file: 'a', part: ['holdout=0.3:rest'] }, true],
    ['a part of a half', half('kept'), { file: 'a', part: ['holdout=0.5:kept', 'x=0.1:y'] }, true],
    ['the first rows and all', { file: 'a', part: ['n_rows=10'] }, whole, true],
  ])('%s: may they overlap?', (_, a, b, expected) => {
    expect(mayOverlap(a, b)).toBe(expected);
    expect(mayOverlap(b, a)).toBe(expected);
  });

  it('are told by what they were used for', () => {
    const seenRows: SeenRows = { train: { file: 't', part: [] }, val: half('rest'), holdout: 0.5 };
    expect(usesOf(half('kept'), { seenRows })).toEqual([]);
    expect(usesOf(whole, { seenRows })).toEqual(['choosing the checkpoint']);
    expect(usesOf({ file: 't', part: [] }, { seenRows })).toEqual(['training']);
    expect(usesOf(half('kept'), { seenRows, calibration: { rows: half('kept') } })).toEqual(['calibration']);
    expect(usesOf(whole, {})).toBeNull();
  });

  it('that calibration.holdout keeps are apart from validation, balanced, and the same for every seed', async () => {
    const own = [`data.root_dir=${posts}`, 'calibration.holdout=0.25'];
    const { config } = composeTiny(...own);
    const [rest, kept] = [await readSplit(config, 'val'), await readCalibrationSplit(config)];
    expect([rest.samples.length, kept.samples.length]).toEqual([24, 8]);
    expect(kept.samples.filter(({ label }) => label === 1)).toHaveLength(4);
    expect([...linesOf(rest), ...linesOf(kept)].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 32 }, (_, i) => i + 2),
    );
    expect(mayOverlap(rest.rows, kept.rows)).toBe(false);
    const other = composeTiny(...own, 'training.seed=7').config;
    expect(linesOf(await readCalibrationSplit(other))).toEqual(linesOf(kept));
    const test = composeTiny(...own, 'calibration.split=test').config;
    expect((await readCalibrationSplit(test)).samples).toHaveLength(32);
    expect((await readCalibrationSplit(composeTiny(`data.root_dir=${posts}`).config)).samples).toHaveLength(32);
  });
});

describe('what is fitted', () => {
  const random = createRandom(3, 'calibrate');
  const labels = Array.from({ length: 600 }, () => random.int(2));
  const logits = labels.map((label) => 3 * (1.3 * random.normal() + 2 * label - 1));
  const manifest: SplitRows = {
    samples: [],
    problems: [],
    columns: [],
    notes: [],
    digest: 'v',
    rows: { file: 'v', part: [] },
  };
  const seenRows: SeenRows = { train: { file: 't', part: [] }, val: { file: 'other', part: [] }, holdout: 0 };
  const calibrate = (...overrides: string[]) =>
    calibrateOn({ manifest, logits, labels }, { seenRows }, composeTiny(...overrides).config.calibration);
  const { temperature } = fitTemperature(logits, labels);
  const probabilities = logits.map((logit) => sigmoid(logit / temperature));

  it('calibration.temperature is fitted, or a number', () => {
    const { decision, warnings, diagnoses } = calibrate();
    expect([warnings, diagnoses]).toEqual([[], []]);
    expect(decision).toMatchObject({ temperature, seenRows });
    expect(decision.calibration).toMatchObject({
      split: 'val',
      posts: 600,
      usedBefore: [],
      temperature: 'lowest log loss',
    });
    expect(calibrate('calibration.temperature=1.5').decision.temperature).toBe(1.5);
  });

  it('gives a threshold and an abstain band to those who set none', () => {
    const { decision } = calibrate();
    expect(decision.threshold).toBe(chooseThreshold(probabilities, labels, { kind: 'mistakes' }).threshold);
    expect(decision.calibration).toMatchObject({
      threshold: '0.5 unless another one makes fewer mistakes beyond chance, the default',
      abstain: 'narrowest that makes mistakes half as common, the default',
    });
    const { accuracy } = computeMetrics(probabilities, labels, decision.threshold);
    expect(decision.calibration.accuracy).toBeGreaterThanOrEqual((1 + accuracy) / 2);
    expect(decision.calibration.coverage).toBeGreaterThanOrEqual(0.25);
    expect(decision.abstainBand).toBeDefined();
    expect(calibrate('calibration.target_accuracy=null').decision.abstainBand).toBeUndefined();
    const { decision: byHand } = calibrate('calibration.abstain_band=[0.45,0.6]');
    expect(byHand).toMatchObject({ threshold: 0.5, abstainBand: { low: 0.45, high: 0.6 } });
  });

  describe('of a model that says the same of nearly all posts', () => {
    const random = createRandom(5, 'constant');
    const weak = labels.map(() => 3 + 0.01 * random.normal());
    const fit = (...overrides: string[]) =>
      calibrateOn({ manifest, logits: weak, labels }, { seenRows }, composeTiny(...overrides).config.calibration);

    it('is said before all, and neither threshold nor band is made up', () => {
      const { decision, diagnoses, warnings } = fit();
      expect(diagnoses[0]?.sentence).toMatch(/calls every post FAKE/);
      expect(diagnoses.map(({ id }) => id)).toContain('ranks-by-chance');
      expect(decision).toMatchObject({ threshold: 0.5, calibration: { threshold: 'the default' } });
      expect(decision.abstainBand).toBeUndefined();
      expect(warnings.join()).toMatch(
        /cannot be told from chance, so the threshold stays 0\.5 and there is no abstain band/,
      );
    });

    it('does as told all the same', () => {
      expect(fit('calibration.threshold=0.7').decision).toMatchObject({
        threshold: 0.7,
        calibration: { threshold: 'set by hand' },
      });
    });
  });

  it('says that no band is good enough, and stops only where that was asked for', () => {
    const random = createRandom(6, 'weak');
    const weak = labels.map((label) => 0.6 * label + random.normal());
    weak[labels.indexOf(0)] = 99; // the surest verdict is wrong
    const fit = (...overrides: string[]) =>
      calibrateOn({ manifest, logits: weak, labels }, { seenRows }, composeTiny(...overrides).config.calibration);
    const { decision, warnings } = fit();
    expect(decision.abstainBand).toBeUndefined();
    expect(warnings.join()).toMatch(/no abstain band.* mistakes half as common.*never answers UNSURE/);
    expect(() => fit('calibration.target_accuracy=1')).toThrow(/lower the target/);
  });

  it('calibration.threshold is a number, or follows a rule', () => {
    expect(calibrate('calibration.threshold=0.7').decision.threshold).toBe(0.7);
    expect(calibrate('calibration.threshold=f1').decision.threshold).toBe(
      chooseThreshold(probabilities, labels).threshold,
    );
  });

  it('calibration.false_positive_cost, .false_negative_cost and .max_false_positive_rate move the threshold', () => {
    const thresholdOf = (...overrides: string[]) => calibrate(...overrides).decision.threshold;
    const even = thresholdOf('calibration.threshold=cost');
    const careful = thresholdOf('calibration.threshold=cost', 'calibration.false_positive_cost=10');
    const eager = thresholdOf('calibration.threshold=cost', 'calibration.false_negative_cost=10');
    expect(careful).toBeGreaterThan(even);
    expect(eager).toBeLessThan(even);
    const rate = (threshold: number) =>
      probabilities.filter((p, i) => p > threshold && labels[i] === 0).length /
      labels.filter((label) => label === 0).length;
    const [five, one] = [
      thresholdOf('calibration.threshold=fpr'),
      thresholdOf('calibration.threshold=fpr', 'calibration.max_false_positive_rate=0.01'),
    ];
    expect(rate(five)).toBeLessThanOrEqual(0.05);
    expect(rate(five)).toBeGreaterThan(0.04);
    expect(rate(one)).toBeLessThanOrEqual(0.01);
  });

  it('calibration.target_accuracy, .target_coverage and .abstain_band make the band, one of them', () => {
    const accurate = calibrate('calibration.target_accuracy=0.95').decision;
    expect(accurate.calibration.accuracy).toBeGreaterThanOrEqual(0.95);
    expect(accurate.abstainBand?.low).toBeLessThan(0.5);
    expect(calibrate('calibration.target_coverage=0.8').decision.calibration.coverage).toBeCloseTo(0.8, 9);
    const { abstainBand, calibration } = calibrate('calibration.abstain_band=[0.45,0.6]').decision;
    expect(abstainBand).toEqual({ low: 0.45, high: 0.6 });
    expect(calibration.abstain).toBe('set by hand');
    expect(() => calibrate('calibration.target_accuracy=0.9', 'calibration.target_coverage=0.9')).toThrow(
      /set only one of calibration.target_accuracy, calibration.target_coverage/,
    );
  });

  it('calibration.on_used_rows warns of rows that training has seen, or refuses them', () => {
    const touched = { seenRows: { ...seenRows, val: manifest.rows } };
    const fit = (seen: Pick<CheckpointMetadata, 'seenRows'>, ...overrides: string[]) =>
      calibrateOn({ manifest, logits, labels }, seen, composeTiny(...overrides).config.calibration);
    const { warnings, decision } = fit(touched);
    expect(warnings.join()).toMatch(/also used for choosing the checkpoint.*calibration.holdout/);
    expect(decision.calibration.usedBefore).toEqual(['choosing the checkpoint']);
    expect(() => fit(touched, 'calibration.on_used_rows=error')).toThrow(/choosing the checkpoint/);
    expect(() => fit({}, 'calibration.on_used_rows=error')).toThrow(/does not say which posts/);
    expect(fit({}).warnings).toEqual([expect.stringContaining('does not say which posts')]);
  });
});

describe('at the end of training', () => {
  const dir = path.join(root.dir, 'trained');
  const artifact = path.join(root.dir, 'artifact');
  const settings = [
    'calibration.enabled=true',
    'calibration.holdout=0.5',
    'calibration.temperature=1.7',
    'calibration.threshold=0.45',
    'calibration.abstain_band=[0.4,0.6]',
  ];
  let trained: TrainedRun;
  beforeAll(async () => {
    trained = await trainHere([...shortRun(posts, dir), ...settings, 'training.report=true'], { dir });
  });

  it('the best checkpoint carries it, fitted on posts that nothing else was done with', async () => {
    expect(trained.output).toContain('val: 16 posts, 8 of them FAKE');
    expect(trained.output).toContain('calibration: 16 posts, 8 of them FAKE');
    const metadata = await readCheckpointMetadata(bestCheckpoint(path.join(dir, 'checkpoints')));
    expect(metadata).toMatchObject({
      temperature: 1.7,
      threshold: 0.45,
      abstainBand: { low: 0.4, high: 0.6 },
      calibration: { split: 'val', posts: 16, usedBefore: [] },
      seenRows: { holdout: 0.5 },
      tokenizer: expect.any(String),
    });
  });

  it('the report shows it on those posts', () => {
    const page = readFileSync(path.join(trained.runDir, 'report.html'), 'utf8');
    expect(page).toContain(
      'Shown on 16 posts of validation. Neither training nor the choice of the epoch has used them.',
    );
    expect(page).toMatch(/Reliability diagram: expected calibration error [\d.]+ before/);
    expect(page).toContain('UNSURE from 0.400 to 0.600');
  });

  it('the report and the metrics say what either part could do alone, as pnpm evaluate would', async () => {
    const page = readFileSync(path.join(trained.runDir, 'report.html'), 'utf8');
    expect(page).toContain('Does it use both image and text?');
    expect(trained.output).toMatch(/text only 0\.\d+\s+\(95\s+%\s+interval/);
    const folder = path.join(root.dir, 'on validation');
    const evaluation = { ...trained.config.evaluation, split: 'val' as const, report: false, output_dir: folder };
    await quietly(() => evaluate(runOf({ ...trained.config, evaluation }, folder)));
    const { ablations } = JSON.parse(readFileSync(path.join(folder, 'eval_results.json'), 'utf8')) as EvaluationResult;
    expect(trained.result.metrics).toMatchObject({
      'val/accuracy_text_only': ablations?.textOnly.value,
      'val/accuracy_image_only': ablations?.imageOnly.value,
      'val/accuracy_pairs_broken': ablations?.shuffled.value,
      'val/accuracy_text_only_change': ablations?.textOnly.change.difference.value,
      'val/accuracy_text_only_change_p': ablations?.textOnly.change.pValue,
      'calibration/temperature': 1.7,
      'calibration/threshold': 0.45,
    });
    const { metrics } = (await readCheckpointMetadata(bestCheckpoint(path.join(dir, 'checkpoints')))) ?? {};
    expect(metrics).not.toHaveProperty(['val/accuracy_pairs_broken_change_p']);
    expect(metrics).toMatchObject({
      'val/accuracy_pairs_broken': ablations?.shuffled.value,
      'val/accuracy_pairs_broken_change_low': ablations?.shuffled.change.difference.low,
    });
  });

  it('goes into the artifact, and evaluation judges by it', async () => {
    const run = (entry: string, ...own: string[]) =>
      runEntry(entry, [...shortRun(posts, dir), ...settings, `hydra.run.dir=${root.dir}/later`, ...own]);
    const exported = await run('packages/exporter/src/bin/export.ts', `export.output_dir=${artifact}`);
    expect(exported.stderr).toBe('');
    const manifest = JSON.parse(readFileSync(path.join(artifact, 'artifact.json'), 'utf8')) as Artifact;
    expect(manifest).toMatchObject({ temperature: 1.7, threshold: 0.45, abstainBand: { low: 0.4, high: 0.6 } });
    expect(manifest.calibration?.usedBefore).toEqual([]);
    const card = readFileSync(path.join(artifact, 'README.md'), 'utf8');
    expect(card).toContain('sigmoid(logit / 1.7); the verdict is FAKE when it is above 0.45.');
    expect(card).toContain('answers UNSURE from 0.4 to 0.6');
    expect(card).toMatch(/\| val\/accuracy_text_only_change \| -?[\d.]+ \|\n\| val\/accuracy_text_only_change_low \|/);
    expect(card).toContain('Fitted on 16 posts of the val split. They were used for nothing else.');
    const config = JSON.parse(readFileSync(path.join(artifact, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ temperature: 1.7, threshold: 0.45, abstain_band: [0.4, 0.6] });
    const results: EvaluationResult[] = [];
    for (const model of ['null', artifact]) {
      const evaluated = await run(
        'packages/trainer/src/bin/evaluate.ts',
        `evaluation.checkpoint=${model}`,
        'evaluation.ablations=false',
        'evaluation.resamples=100',
      );
      expect(evaluated.stderr).toBe('');
      expect(evaluated.stdout).toContain('Neither training nor the choice of the checkpoint');
      results.push(
        JSON.parse(readFileSync(path.join(root.dir, 'later/eval_results.json'), 'utf8')) as EvaluationResult,
      );
    }
    const [own, served] = results as [EvaluationResult, EvaluationResult];
    expect(own).toMatchObject({ temperature: 1.7, threshold: 0.45, usedBefore: [] });
    expect(own.abstaining?.band).toEqual({ low: 0.4, high: 0.6 });
    expect(own.uncalibrated?.loss.value).not.toBe(own.metrics.loss.value);
    expect(served.metrics.loss.value).toBeCloseTo(own.metrics.loss.value, 4);
    expect(served.uncalibrated?.loss.value).toBeCloseTo(own.uncalibrated?.loss.value as number, 4);
    expect(served.abstaining?.rows).toBe(own.abstaining?.rows);
  });
});

describe('pnpm calibrate', () => {
  const dir = path.join(root.dir, 'plain');
  const run = (...own: string[]) =>
    runEntry('packages/trainer/src/bin/calibrate.ts', [
      ...shortRun(posts, dir),
      `hydra.run.dir=${root.dir}/cal`,
      ...own,
    ]);

  it('writes into a checkpoint what calibration.checkpoint and .split name, and leaves its weights alone', async () => {
    await trainHere([...shortRun(posts, dir), 'training.num_steps=2'], { dir });
    const file = bestCheckpoint(path.join(dir, 'checkpoints'));
    const before = await readBits(file);
    expect(await readCheckpointMetadata(file)).toMatchObject({ temperature: 1, threshold: 0.5 });
    const tuned = await run('calibration.temperature=2', 'calibration.threshold=f1', `calibration.checkpoint=${file}`);
    expect(tuned.stderr).toBe('');
    expect(tuned.stdout).toContain('note: these posts were also used for choosing the checkpoint');
    expect(tuned.stdout).toMatch(/coverage  accuracy[\s\S]*100.0 %/);
    expect(readFileSync(path.join(root.dir, 'cal/reliability_1.8.png')).subarray(1, 4).toString()).toBe('PNG');
    expect(await readBits(file)).toEqual(before);
    expect(await readCheckpointMetadata(file)).toMatchObject({
      temperature: 2,
      calibration: { split: 'val', posts: 32, usedBefore: ['choosing the checkpoint'], threshold: 'highest F1' },
    });
    const again = await run('calibration.split=test', 'calibration.on_used_rows=error', 'calibration.temperature=3');
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).not.toContain('note: these posts');
    expect(await readCheckpointMetadata(file)).toMatchObject({ temperature: 3, calibration: { usedBefore: [] } });
    const refused = await run('calibration.on_used_rows=error');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('CROSSCHECK_CALIBRATION_USED_ROWS');
    expect(await readCheckpointMetadata(file)).toMatchObject({ temperature: 3 });
  });
});
