import type { TrainConfig } from '@crosscheck/config';
import type { AbstainBand, RowSet } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import {
  type AblatedAccuracy,
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
import type { Disagreement } from '@crosscheck/report';
import { type RowUse, usesOf } from '../calibrate/seen-rows.ts';
import type { SplitRows } from '../data/divide-split.ts';
import { type Prediction, type PredictionOptions, predictionsOf, requireOwnIds } from '../predictions/prediction.ts';
import { type AblationName, ablate, ablationNames } from './ablations.ts';
import { judgeRival, type RivalResult } from './judge-rival.ts';
import type { ModelFacts } from './model-facts.ts';
import type { Judge } from './open-judge.ts';
import { ablatedAccuracy, accuracyOf, asPosts, type JudgedPosts, valuesOf } from './posts.ts';

/** What `eval_results.json` holds. */
export interface EvaluationResult {
  /** The checkpoint's file, or the artifact folder. */
  model: string;
  /** `model.name` of the training, by the checkpoint's own word. */
  name: string;
  version: string;
  /** What else the checkpoint says of itself. */
  trained: Omit<ModelFacts, 'name' | 'configOrigins'>;
  split: string;
  /** The CSV by its sha256, and which part of it. */
  data: RowSet;
  /** The same of the posts that the model was trained on; null when it does not say. */
  trainedOn: RowSet | null;
  rows: number;
  /** Rows put together by `evaluation.post_column`; as many as rows without it. */
  posts: number;
  skipped: number;
  /** That only some rows of the file were read, and what else was found in it. */
  notes: readonly string[];
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
  /** Accuracy with a part of each post taken from another one, with Wilson's 95 % interval, and its change against the posts as they are. */
  ablations: Record<AblationName, AblatedAccuracy> | null;
  modalityUse: ModalityUse | null;
  groups: { column: string; rows: GroupMetrics[] } | null;
  /** What is wrong, the most serious first. */
  diagnoses: Diagnosis[];
  /** Against `evaluation.compare_with`, on the same posts; null without one. */
  comparison: RivalResult | null;
}

export const calibrationMetrics = ['loss', 'brier', 'ece'] as const satisfies readonly MetricName[];
export type CalibrationMetric = (typeof calibrationMetrics)[number];

/** The figures, and what plots and pictures are drawn from. */
export interface Evaluation {
  result: EvaluationResult;
  posts: JudgedPosts;
  samples: readonly Sample[];
  predictions: Prediction[];
  facts: ModelFacts;
  /** Every post on which the two models differ, for the page. */
  disagreements: Disagreement[];
}

/** Judges the rows of a split; with a rival, also how the two differ on the same posts. */
export async function evaluateSplit(
  judge: Judge,
  { samples, problems, rows, notes }: SplitRows,
  config: TrainConfig,
  rival: Judge | null = null,
): Promise<Evaluation> {
  const { split, group_column: groupColumn, post_column: postColumn, id_column: idColumn } = config.evaluation;
  const { decision, facts } = judge;
  const threshold = config.evaluation.threshold ?? decision.threshold;
  const answers = await judge.judge(samples);
  const posts = asPosts(answers, samples, config);
  const predictions = namedPredictions(posts, samples, { split, threshold, idColumn: postColumn ?? idColumn });
  const ablations = config.evaluation.ablations
    ? await judgeAblations(judge, samples, { config, threshold, posts })
    : null;
  const judged = judgeDecision(posts, { ...decision, threshold, isOwn: threshold === decision.threshold }, config);
  const compared = rival && (await judgeRival(rival, { samples, rows, posts, threshold, config }));
  const result: EvaluationResult = {
    ...describeJudge(judge),
    split,
    data: rows,
    rows: answers.labels.length,
    posts: posts.labels.length,
    skipped: problems.length + samples.length - answers.labels.length,
    notes,
    usedBefore: usesOf(rows, decision),
    ...judged,
    checks: checkPosts(posts, threshold, postColumn, samples),
    ablations,
    modalityUse: ablations && describeUse(accuracyOf(posts, threshold), ablations),
    groups: groupColumn === null ? null : groupTable(posts, { samples, column: groupColumn, threshold }),
    comparison: compared && compared.result,
    diagnoses: diagnoseJudge(judge, verdictsOf(posts.probabilities, posts.labels, threshold, judged.metrics.rocAuc)),
  };
  return { result, posts, samples, predictions, facts, disagreements: compared ? compared.disagreements : [] };
}

/** Who the model is, by its own word. */
function describeJudge({ source: model, version, facts, decision }: Judge) {
  const { name, configOrigins: _, ...trained } = facts;
  return { model, name, version, trained, trainedOn: decision.seenRows?.train ?? null };
}

/** @throws CROSSCHECK_EVALUATION_REPEATED_ID */
function namedPredictions(posts: JudgedPosts, samples: readonly Sample[], options: PredictionOptions): Prediction[] {
  const predictions = predictionsOf(posts, samples, options);
  requireOwnIds(predictions, options.idColumn);
  return predictions;
}

function diagnoseJudge({ decision: { temperature }, settings }: Judge, verdicts: ReturnType<typeof verdictsOf>) {
  return diagnose({ verdicts, temperature, ...(settings && { settings }) });
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
  { config, threshold, posts }: { config: TrainConfig; threshold: number; posts: JudgedPosts },
): Promise<Record<AblationName, AblatedAccuracy>> {
  const entries: [string, AblatedAccuracy][] = [];
  for (const name of ablationNames) {
    const answers = await judge.judge(ablate(samples, name, config.training.seed));
    entries.push([name, ablatedAccuracy(posts, asPosts(answers, samples, config), threshold)]);
  }
  return Object.fromEntries(entries) as Record<AblationName, AblatedAccuracy>;
}

function describeUse(
  full: Estimate,
  { textOnly, imageOnly, shuffled }: Record<AblationName, AblatedAccuracy>,
): ModalityUse {
  return describeModalityUse(full, textOnly, imageOnly, shuffled);
}

function groupTable(
  { probabilities, labels, indices }: JudgedPosts,
  { samples, column, threshold }: { samples: readonly Sample[]; column: string; threshold: number },
) {
  return { column, rows: computeGroupMetrics(probabilities, labels, valuesOf(column, indices, samples), threshold) };
}
