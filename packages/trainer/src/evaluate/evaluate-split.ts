import type { TrainConfig } from '@crosscheck/config';
import type { AbstainBand } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import {
  bootstrapIntervals,
  type CheckResult,
  type Confusion,
  type CoverageRow,
  computeGroupMetrics,
  computeMetrics,
  coverageTable,
  type Diagnosis,
  describeModalityUse,
  diagnose,
  type Estimate,
  type GroupMetrics,
  judgeOutside,
  type MetricName,
  type ModalityUse,
  predictionChecks,
  verdictsOf,
} from '@crosscheck/evaluation';
import { type RowUse, usesOf } from '../calibrate/seen-rows.ts';
import type { SplitRows } from '../divide-split.ts';
import { type AblationName, ablate, ablationNames } from './ablations.ts';
import type { Judge } from './open-judge.ts';
import { accuracyOf, asPosts, type JudgedPosts, requireColumn, valuesOf } from './posts.ts';

/** What `eval_results.json` holds. */
export interface EvaluationResult {
  model: string;
  version: string;
  split: string;
  rows: number;
  /** Rows put together by `evaluation.post_column`; as many as rows without it. */
  posts: number;
  skipped: number;
  /** What the rows were used for before; null for a model that does not say which rows it has seen. */
  usedBefore: RowUse[] | null;
  threshold: number;
  temperature: number;
  abstainBand: AbstainBand | null;
  /** Each metric with its 95 % bootstrap interval. */
  metrics: Record<MetricName, Estimate>;
  /** What the temperature changes, at temperature 1; null for a model whose temperature is 1. */
  uncalibrated: Record<CalibrationMetric, Estimate> | null;
  confusion: Confusion;
  /** Accuracy when the least sure posts get no verdict. */
  coverage: CoverageRow[];
  /** What the model's own band does; null without one, and when another threshold is asked for. */
  abstaining: CoverageRow | null;
  checks: Record<string, CheckResult>;
  /** Accuracy with a part of each post taken from another one, with Wilson's 95 % interval. */
  ablations: Record<AblationName, Estimate> | null;
  modalityUse: ModalityUse | null;
  groups: { column: string; rows: GroupMetrics[] } | null;
  /** What is wrong, the most serious first. */
  diagnoses: Diagnosis[];
}

export const calibrationMetrics = ['loss', 'brier', 'ece'] as const satisfies readonly MetricName[];
export type CalibrationMetric = (typeof calibrationMetrics)[number];

/** The figures, and what plots and pictures are drawn from. */
export interface Evaluation {
  result: EvaluationResult;
  posts: JudgedPosts;
  samples: readonly Sample[];
}

export async function evaluateSplit(
  judge: Judge,
  { samples, problems, columns, rows }: SplitRows,
  config: TrainConfig,
): Promise<Evaluation> {
  const { split, group_column: groupColumn, post_column: postColumn } = config.evaluation;
  for (const column of [groupColumn, postColumn]) requireColumn(column, columns, samples);
  const { decision } = judge;
  const threshold = config.evaluation.threshold ?? decision.threshold;
  const answers = await judge.judge(samples);
  const posts = asPosts(answers, samples, config);
  const ablations = config.evaluation.ablations ? await judgeAblations(judge, samples, { config, threshold }) : null;
  const judged = judgeDecision(posts, { ...decision, threshold, isOwn: threshold === decision.threshold }, config);
  const result: EvaluationResult = {
    model: judge.source,
    version: judge.version,
    split,
    rows: answers.labels.length,
    posts: posts.labels.length,
    skipped: problems.length + samples.length - answers.labels.length,
    usedBefore: usesOf(rows, decision),
    ...judged,
    checks: checkPosts(posts, threshold, postColumn, samples),
    ablations,
    modalityUse: ablations && describeUse(accuracyOf(posts, threshold), ablations),
    groups: groupColumn === null ? null : groupTable(posts, { samples, column: groupColumn, threshold }),
    diagnoses: diagnose({
      verdicts: verdictsOf(posts.probabilities, posts.labels, threshold, judged.metrics.rocAuc),
      temperature: decision.temperature,
      ...(judge.settings && { settings: judge.settings }),
    }),
  };
  return { result, posts, samples };
}

type Judging = Judge['decision'] & { isOwn: boolean };

/** How good the verdicts are, and the probabilities behind them. */
function judgeDecision(
  { probabilities, uncalibrated, labels }: JudgedPosts,
  { threshold, temperature, abstainBand, isOwn }: Judging,
  { evaluation, training }: TrainConfig,
) {
  const options = { threshold, resamples: evaluation.resamples, seed: training.seed };
  const before = temperature === 1 ? null : bootstrapIntervals(uncalibrated, labels, options);
  return {
    threshold,
    temperature,
    abstainBand: abstainBand ?? null,
    metrics: bootstrapIntervals(probabilities, labels, options),
    uncalibrated: before && { loss: before.loss, brier: before.brier, ece: before.ece },
    confusion: computeMetrics(probabilities, labels, threshold).confusion,
    coverage: coverageTable(probabilities, labels, threshold),
    abstaining: abstainBand && isOwn ? judgeOutside(probabilities, labels, threshold, abstainBand) : null,
  };
}

// oxlint-disable-next-line max-params -- verdicts, and what tells how many there should be
function checkPosts(
  { probabilities, labels }: JudgedPosts,
  threshold: number,
  postColumn: string | null,
  samples: readonly Sample[],
): Record<string, CheckResult> {
  return predictionChecks({
    probabilities,
    labels,
    predictions: Array.from(probabilities, (p) => (p > threshold ? 1 : 0)),
    expectedCount: postColumn === null ? samples.length : new Set(samples.map(({ row }) => row[postColumn])).size,
  });
}

/** Accuracy with a part of each row taken from another one. */
async function judgeAblations(
  judge: Judge,
  samples: readonly Sample[],
  { config, threshold }: { config: TrainConfig; threshold: number },
): Promise<Record<AblationName, Estimate>> {
  const entries: [string, Estimate][] = [];
  for (const name of ablationNames) {
    const answers = await judge.judge(ablate(samples, name, config.training.seed));
    entries.push([name, accuracyOf(asPosts(answers, samples, config), threshold)]);
  }
  return Object.fromEntries(entries) as Record<AblationName, Estimate>;
}

function describeUse(full: Estimate, { textOnly, imageOnly, shuffled }: Record<AblationName, Estimate>): ModalityUse {
  return describeModalityUse(full, textOnly, imageOnly, shuffled);
}

function groupTable(
  { probabilities, labels, indices }: JudgedPosts,
  { samples, column, threshold }: { samples: readonly Sample[]; column: string; threshold: number },
) {
  return { column, rows: computeGroupMetrics(probabilities, labels, valuesOf(column, indices, samples), threshold) };
}
