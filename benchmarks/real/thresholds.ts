// What a threshold costs that is chosen on few validation posts: `pnpm bench:real-thresholds --help`. Reads what pnpm bench:real-heads keeps.
import path from 'node:path';
import { chooseThreshold, compareOnSameRows, computeMetrics, pairedAccuracy } from '@crosscheck/evaluation';
import { cacheFolder } from '@crosscheck/files';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { type Row, writeRows } from '../results.ts';
import { type Answered, openAnswers } from './answers.ts';
import type { Answers } from './train-heads.ts';

const help = `Usage: pnpm bench:real-thresholds [options]

Thresholds that are chosen on the validation posts of pnpm bench:real-heads, judged on its test posts, beside 0.5.

  --keep DIR   where pnpm bench:real-heads keeps its answers (in the user's cache)
  --rounds N   of those trainings (2)
  --epochs N   of those trainings (10)
  --note TEXT  kept with the figures
`;

const values = readCommandLine(help, { keep: cacheFolder('real-bench-answers'), rounds: '2', epochs: '10', note: '' });

/** Probabilities at temperature 1, which no threshold of verdicts depends on. */
const probabilitiesOf = ({ logit }: Answers) => logit.map((value) => 1 / (1 + Math.exp(-value)));

type Rule = (val: Answers) => number;

const bestF1: Rule = (val) => chooseThreshold(probabilitiesOf(val), val.label, { kind: 'f1' }).threshold;
const fewestMistakes: Rule = (val) =>
  chooseThreshold(probabilitiesOf(val), val.label, { kind: 'cost', falsePositive: 1, falseNegative: 1 }).threshold;

/** A rule's threshold only where the posts that it was chosen on tell it from 0.5 in some way. */
const where =
  (isTold: (val: Answers, threshold: number) => boolean) =>
  (rule: Rule): Rule =>
  (val) => {
    const threshold = rule(val);
    return isTold(val, threshold) ? threshold : 0.5;
  };

const judgements = (val: Answers, threshold: number) => {
  const probabilities = probabilitiesOf(val);
  return [{ probabilities, threshold: 0.5 }, { probabilities, threshold }, val.label] as const;
};
const whereVerdictsAre = where((val, threshold) => {
  const { difference, pValue } = pairedAccuracy(...judgements(val, threshold));
  return difference.value > 0 && pValue < 0.05;
});
const whereF1Is = where(
  (val, threshold) => compareOnSameRows(...judgements(val, threshold)).metrics.f1.difference.low > 0,
);

const rules: Record<string, Rule> = {
  '0.5': () => 0.5,
  'best F1': bestF1,
  'best F1, where F1 is beyond chance': whereF1Is(bestF1),
  'best F1, where verdicts are beyond chance': whereVerdictsAre(bestF1),
  'fewest mistakes': fewestMistakes,
  'fewest mistakes, where verdicts are beyond chance': whereVerdictsAre(fewestMistakes),
};

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const digits = (value: number) => Number(value.toFixed(4));

function rowOf(difficulty: string, rule: string, trainings: readonly Answered[]): Row {
  const thresholds = trainings.map(({ judged }) => (rules[rule] as Rule)(judged.val));
  const judge = (i: number, threshold: number) => {
    const { test } = (trainings[i] as Answered).judged;
    return computeMetrics(probabilitiesOf(test), test.label, threshold);
  };
  const metrics = thresholds.map((threshold, i) => judge(i, threshold));
  const changes = metrics.map(({ accuracy }, i) => accuracy - judge(i, 0.5).accuracy);
  return {
    difficulty,
    rule,
    trainings: trainings.length,
    moved: thresholds.filter((threshold) => threshold !== 0.5).length,
    thresholdLow: digits(Math.min(...thresholds)),
    thresholdHigh: digits(Math.max(...thresholds)),
    accuracy: digits(mean(metrics.map(({ accuracy }) => accuracy))),
    f1: digits(mean(metrics.map(({ f1 }) => f1))),
    change: digits(mean(changes)),
    worst: digits(Math.min(...changes)),
    best: digits(Math.max(...changes)),
    worse: changes.filter((change) => change < 0).length,
    better: changes.filter((change) => change > 0).length,
  };
}

/** Trainings that tell REAL from FAKE at all. */
const isRanking = ({ variant }: Answered) => !variant.startsWith('random');

const answered = openAnswers(path.join(values.keep, `heads-${values.rounds}-${values.epochs}.jsonl`)).all();
const facts = { date: new Date().toISOString(), ...describeMachine(), note: values.note };
const rows = [...Map.groupBy(answered.filter(isRanking), ({ difficulty }) => difficulty)].flatMap(
  ([difficulty, trainings]) => Object.keys(rules).map((rule) => ({ ...rowOf(difficulty, rule, trainings), ...facts })),
);
writeRows('real-thresholds', rows);
for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
