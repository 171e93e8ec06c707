import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import type { Manifest } from '@crosscheck/data';
import {
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
  skipped: number;
  threshold: number;
  /** Each metric with its 95 % bootstrap interval. */
  metrics: Record<MetricName, Estimate>;
  confusion: Confusion;
  checks: Record<string, CheckResult>;
  /** Accuracy with a part of each post taken from another one, with Wilson's 95 % interval. */
  ablations: Partial<Record<AblationName, Estimate>> | null;
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
  { samples, problems }: Manifest,
  config: TrainConfig,
): Promise<EvaluationResult> {
  const { ablations: wanted, split, resamples, group_column: column } = config.evaluation;
  const { seed } = config.training;
  const { threshold } = judge;
  const answers = await judge.judge(samples);
  const { probabilities, labels, indices } = answers;
  const ablations: Partial<Record<AblationName, Estimate>> = {};
  if (wanted)
    for (const name of ablationNames)
      ablations[name] = accuracyOf(await judge.judge(ablate(samples, name, seed)), threshold);
  const { textOnly, imageOnly, shuffled } = ablations;
  const full = accuracyOf(answers, threshold);
  const groups = column === null ? null : Array.from(indices, (i) => samples[i]?.row[column] ?? '');
  return {
    model: judge.source,
    version: judge.version,
    split,
    rows: labels.length,
    skipped: problems.length + samples.length - labels.length,
    threshold,
    metrics: bootstrapIntervals(probabilities, labels, { threshold, resamples, seed }),
    confusion: computeMetrics(probabilities, labels, threshold).confusion,
    checks: predictionChecks({
      probabilities,
      labels,
      predictions: Array.from(probabilities, (p) => (p > threshold ? 1 : 0)),
      expectedCount: samples.length,
    }),
    ablations: wanted ? ablations : null,
    modalityUse: textOnly && imageOnly ? describeModalityUse(full, textOnly, imageOnly, shuffled ?? null) : null,
    groups:
      column === null || groups === null
        ? null
        : { column, rows: computeGroupMetrics(probabilities, labels, groups, threshold) },
  };
}

function accuracyOf({ probabilities, labels }: Answers, threshold: number): Estimate {
  const right = Array.from(labels).filter(
    (label, i) => (probabilities[i] as number) > threshold === (label === 1),
  ).length;
  return wilsonInterval(right, labels.length);
}
