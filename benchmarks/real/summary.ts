// What trained heads reach, and what one change makes of it, with 95 % intervals from pictures that are drawn again.
import { createRandom } from '@crosscheck/contract';
import { percentile } from '@crosscheck/evaluation';
import type { Row } from '../results.ts';
import type { Answered } from './answers.ts';
import type { Answers } from './train-heads.ts';

const resamples = 1000;
const baseline = 'default';

/** How often each picture is drawn, by its row among all stamps; null: once each. */
type Draw = ReadonlyMap<number, number> | null;

interface Scores {
  accuracy: number;
  rocAuc: number;
}

/** Test posts of one training in the order of their logits. */
function scorerOf({ stamp, label, logit }: Answers): (draw: Draw) => Scores {
  const posts = logit
    .map((value, i) => ({ value, isFake: label[i] === 1, stamp: stamp[i] as number }))
    .toSorted((a, b) => a.value - b.value);
  return (draw) => {
    const weights = posts.map((post) => (draw === null ? 1 : (draw.get(post.stamp) ?? 0)));
    let [right, total, realBelow, fakes, pairs] = [0, 0, 0, 0, 0];
    for (let start = 0; start < posts.length; ) {
      let [real, fake, end] = [0, 0, start];
      for (; end < posts.length && posts[end]?.value === posts[start]?.value; end++) {
        if (posts[end]?.isFake) fake += weights[end] as number;
        else real += weights[end] as number;
      }
      right += (posts[start]?.value as number) > 0 ? fake : real;
      total += real + fake;
      pairs += fake * (realBelow + real / 2);
      realBelow += real;
      fakes += fake;
      start = end;
    }
    return { accuracy: right / total, rocAuc: pairs / (realBelow * fakes) };
  };
}

/** The trainings of one variant: means over seeds and splits, of the same draws for every variant. */
type Series = Record<keyof Scores, Float64Array> & { own: Scores; trainings: readonly Answered[] };

const metrics = ['accuracy', 'rocAuc'] as const;

function seriesOf(trainings: readonly Answered[]): Series {
  const scorers = trainings.map(({ split, judged }) => ({ split, score: scorerOf(judged.test) }));
  const mean = (drawOf: (split: number) => Draw): Scores => {
    const scores = scorers.map(({ split, score }) => score(drawOf(split)));
    const over = (name: keyof Scores) => scores.reduce((sum, one) => sum + one[name], 0) / scores.length;
    return { accuracy: over('accuracy'), rocAuc: over('rocAuc') };
  };
  const series = {
    own: mean(() => null),
    accuracy: new Float64Array(resamples),
    rocAuc: new Float64Array(resamples),
    trainings,
  };
  const stampsOf = new Map(trainings.map(({ split, judged }) => [split, [...new Set(judged.test.stamp)]]));
  for (let sample = 0; sample < resamples; sample++) {
    const draws = new Map([...stampsOf].map(([split, stamps]) => [split, drawStamps(stamps, sample, split)]));
    const drawn = mean((split) => draws.get(split) ?? null);
    for (const name of metrics) series[name][sample] = drawn[name];
  }
  return series;
}

function drawStamps(stamps: readonly number[], ...seed: number[]): Draw {
  const random = createRandom('real bench', 'bootstrap', ...seed);
  const counts = new Map<number, number>();
  for (let i = 0; i < stamps.length; i++) {
    const stamp = stamps[random.int(stamps.length)] as number;
    counts.set(stamp, (counts.get(stamp) ?? 0) + 1);
  }
  return counts;
}

const digits = (value: number) => Number(value.toFixed(4));

function interval(name: string, value: number, drawn: Float64Array): Row {
  const sorted = drawn.toSorted();
  return {
    [name]: digits(value),
    [`${name}Low`]: digits(percentile(sorted, 0.025)),
    [`${name}High`]: digits(percentile(sorted, 0.975)),
  };
}

const shareRight = ({ label, logit }: Answers) =>
  logit.filter((value, i) => value > 0 === (label[i] === 1)).length / logit.length;

const meanOver = (trainings: readonly Answered[], of: (training: Answered) => number) =>
  digits(trainings.reduce((sum, training) => sum + of(training), 0) / trainings.length);

/** A row for each difficulty and variant; differences are to the default on the same posts, splits and seeds. */
export function headRows(answered: readonly Answered[]): Row[] {
  const difficulties = Map.groupBy(answered, ({ difficulty }) => difficulty);
  return [...difficulties].flatMap(([difficulty, ofDifficulty]) => {
    const variants = Map.groupBy(ofDifficulty, ({ variant }) => variant);
    return [...variants].map(([variant, trainings]) => {
      const own = seriesOf(trainings);
      const asked = new Set(trainings.map(({ split, seed }) => `${split}/${seed}`));
      const same = (variants.get(baseline) ?? []).filter(({ split, seed }) => asked.has(`${split}/${seed}`));
      const differences = same.length === trainings.length ? differencesOf(own, seriesOf(same)) : {};
      return {
        difficulty,
        variant,
        splits: new Set(trainings.map(({ split }) => split)).size,
        seeds: new Set(trainings.map(({ seed }) => seed)).size,
        ...interval('accuracy', own.own.accuracy, own.accuracy),
        ...interval('rocAuc', own.own.rocAuc, own.rocAuc),
        ...differences,
        trainAccuracy: meanOver(trainings, ({ judged }) => shareRight(judged.train)),
        testPosts: new Set(trainings.flatMap(({ split, judged }) => judged.test.stamp.map((_, i) => `${split}/${i}`)))
          .size,
      };
    });
  });
}

function differencesOf(own: Series, base: Series): Row {
  const between = (name: keyof Scores) => own[name].map((value, i) => value - (base[name][i] as number));
  return {
    ...interval('accuracyDifference', own.own.accuracy - base.own.accuracy, between('accuracy')),
    ...interval('rocAucDifference', own.own.rocAuc - base.own.rocAuc, between('rocAuc')),
  };
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

function withInterval(row: Row, name: string, show: (value: number) => string): string {
  const [value, low, high] = [name, `${name}Low`, `${name}High`].map((key) => Number(row[key]));
  return `${show(value as number)} [${show(low as number)}, ${show(high as number)}]`;
}

/** Markdown. */
export function headTable(rows: readonly Row[]): string {
  const plain = (value: number) => value.toFixed(3);
  return [
    '| posts | | accuracy | AUC | accuracy against the default | AUC against the default | accuracy on training posts |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const isOther = row['variant'] !== baseline && row['rocAucDifference'] !== undefined;
      const cells = [
        withInterval(row, 'accuracy', plain),
        withInterval(row, 'rocAuc', plain),
        isOther ? withInterval(row, 'accuracyDifference', signed) : '',
        isOther ? withInterval(row, 'rocAucDifference', signed) : '',
        plain(Number(row['trainAccuracy'])),
      ];
      return `| ${row['difficulty']} | ${row['variant']} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}
