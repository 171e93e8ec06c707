import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import type { Manifest, Sample } from '@crosscheck/data';
import {
  aggregatePosts,
  bootstrapIntervals,
  type CheckResult,
  type Confusion,
  computeGroupMetrics,
  computeMetrics,
  describeModalityUse,
  type Estimate,
  type GroupMetrics,
  type MetricName,
  type ModalityUse,
  predictionChecks,
  wilsonInterval,
} from '@crosscheck/evaluation';
import { readSplit } from '../run-data.ts';
import { type AblationName, ablate, ablationNames } from './ablations.ts';
import { type Answers, type Judge, openJudge } from './open-judge.ts';
import { formatEvaluation, formatMetricsCsv } from './show.ts';

/** What `eval_results.json` holds. */
export interface EvaluationResult {
  model: string;
  version: string;
  split: string;
  rows: number;
  /** Rows put together by `evaluation.post_column`; as many as rows without it. */
  posts: number;
  skipped: number;
  threshold: number;
  /** Each metric with its 95 % bootstrap interval. */
  metrics: Record<MetricName, Estimate>;
  confusion: Confusion;
  checks: Record<string, CheckResult>;
  /** Accuracy with a part of each post taken from another one, with Wilson's 95 % interval. */
  ablations: Record<AblationName, Estimate> | null;
  modalityUse: ModalityUse | null;
  groups: { column: string; rows: GroupMetrics[] } | null;
}

/**
 * Judges a split with a checkpoint or an artifact folder; writes `eval_results.json` and `eval_results.csv` into the run folder.
 *
 * @throws CROSSCHECK_CHECKPOINT_NOT_FOUND, CROSSCHECK_EVALUATION_NO_METADATA, CROSSCHECK_DATA_…
 */
export async function evaluate(run: Run<TrainConfig>): Promise<JobResult> {
  const { config } = run;
  const judge = await openJudge(config);
  try {
    const manifest = await readSplit(config, config.evaluation.split);
    const result = await evaluateManifest(judge, manifest, config);
    const folder = path.resolve(config.evaluation.output_dir ?? run.runDir);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'eval_results.json'), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(path.join(folder, 'eval_results.csv'), formatMetricsCsv(result));
    process.stdout.write(
      `${formatEvaluation(result)}\n\nresults: ${path.relative('.', path.join(folder, 'eval_results.json'))}\n`,
    );
    return { metrics: Object.fromEntries(Object.entries(result.metrics).map(([name, { value }]) => [name, value])) };
  } finally {
    await judge.close();
  }
}

async function evaluateManifest(
  judge: Judge,
  { samples, problems, columns }: Manifest,
  config: TrainConfig,
): Promise<EvaluationResult> {
  const { split, resamples, group_column: groupColumn, post_column: postColumn } = config.evaluation;
  for (const column of [groupColumn, postColumn]) requireColumn(column, columns, samples);
  const { threshold } = judge;
  const answers = await judge.judge(samples);
  const posts = asPosts(answers, samples, config);
  const { probabilities, labels, indices } = posts;
  const ablations = config.evaluation.ablations ? await judgeAblations(judge, samples, config) : null;
  return {
    model: judge.source,
    version: judge.version,
    split,
    rows: answers.labels.length,
    posts: labels.length,
    skipped: problems.length + samples.length - answers.labels.length,
    threshold,
    metrics: bootstrapIntervals(probabilities, labels, { threshold, resamples, seed: config.training.seed }),
    confusion: computeMetrics(probabilities, labels, threshold).confusion,
    checks: predictionChecks({
      probabilities,
      labels,
      predictions: Array.from(probabilities, (p) => (p > threshold ? 1 : 0)),
      expectedCount: postColumn === null ? samples.length : new Set(samples.map(({ row }) => row[postColumn])).size,
    }),
    ablations,
    modalityUse: ablations && describeUse(accuracyOf(posts, threshold), ablations),
    groups:
      groupColumn === null ? null : groupTable(posts, valuesOf(groupColumn, indices, samples), groupColumn, threshold),
  };
}

/** The rows of one post put together, when `evaluation.post_column` names posts; indices are those of their first rows. */
function asPosts(answers: Answers, samples: readonly Sample[], { evaluation }: TrainConfig): Answers {
  const { post_column: column, aggregation } = evaluation;
  if (column === null) return answers;
  const keys = valuesOf(column, answers.indices, samples);
  const {
    keys: posts,
    probabilities,
    labels,
  } = aggregatePosts(answers.probabilities, answers.labels, keys, aggregation);
  const indices = Int32Array.from(posts, (key) => answers.indices[keys.indexOf(key)] as number);
  return { probabilities, labels: Float32Array.from(labels), indices };
}

const valuesOf = (column: string, indices: Int32Array, samples: readonly Sample[]) =>
  Array.from(indices, (i) => samples[i]?.row[column] ?? '');

/** Accuracy with a part of each row taken from another one. */
async function judgeAblations(
  judge: Judge,
  samples: readonly Sample[],
  config: TrainConfig,
): Promise<Record<AblationName, Estimate>> {
  const entries: [string, Estimate][] = [];
  for (const name of ablationNames) {
    const answers = await judge.judge(ablate(samples, name, config.training.seed));
    entries.push([name, accuracyOf(asPosts(answers, samples, config), judge.threshold)]);
  }
  return Object.fromEntries(entries) as Record<AblationName, Estimate>;
}

function describeUse(full: Estimate, { textOnly, imageOnly, shuffled }: Record<AblationName, Estimate>): ModalityUse {
  return describeModalityUse(full, textOnly, imageOnly, shuffled);
}

// oxlint-disable-next-line max-params -- the answers, and what a table of groups needs beside them
function groupTable({ probabilities, labels }: Answers, groups: string[], column: string, threshold: number) {
  return { column, rows: computeGroupMetrics(probabilities, labels, groups, threshold) };
}

/** @throws CROSSCHECK_DATA_MISSING_COLUMN */
function requireColumn(column: string | null, columns: readonly string[], [first]: readonly Sample[]): void {
  if (column === null || columns.includes(column)) return;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_MISSING_COLUMN',
    `expected a column "${column}" in ${first?.file}, got ${columns.map((name) => `"${name}"`).join(', ')}; ` +
      'set evaluation.group_column and evaluation.post_column to one of them',
  );
}

function accuracyOf({ probabilities, labels }: Answers, threshold: number): Estimate {
  const right = Array.from(labels).filter(
    (label, i) => (probabilities[i] as number) > threshold === (label === 1),
  ).length;
  return wilsonInterval(right, labels.length);
}
