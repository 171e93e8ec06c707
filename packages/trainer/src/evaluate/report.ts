import path from 'node:path';
import type { Run, TrainConfig } from '@crosscheck/config';
import type { ReportData, ScoredSplit } from '@crosscheck/report';
import { mistakesOf } from '../mistakes.ts';
import type { Evaluation } from './evaluate-split.ts';
import { valuesOf } from './posts.ts';
import { describeUses } from './show.ts';

/** The evaluation as a page. */
export function evaluationReport(
  { result, posts, samples }: Evaluation,
  { config, origins }: Run<TrainConfig>,
): ReportData {
  const { probabilities, labels, indices } = posts;
  const { ablations, groups, threshold } = result;
  const values = groups && valuesOf(groups.column, indices, samples);
  return {
    title: `${config.model.name} on ${result.split}`,
    version: result.version,
    createdAt: new Date().toISOString(),
    description: `${path.basename(result.model)} judged on ${posts.labels.length} posts. ${describeUses(result)}`,
    warnings: result.skipped > 0 ? [`${result.skipped} rows could not be used and were left out`] : [],
    diagnoses: result.diagnoses,
    evaluation: scoredSplit({ result, posts, samples }),
    ...(groups && values && { groups: { column: groups.column, values } }),
    ...(ablations && { ablations: { full: result.metrics.accuracy, ...ablations } }),
    checks: result.checks,
    mistakes: mistakesOf({ probabilities, labels, indices }, samples, threshold),
    config: config.evaluation,
    configOrigins: originsOf(origins, 'evaluation.'),
  };
}

function scoredSplit({ result, posts }: Evaluation): ScoredSplit {
  const { split, threshold, temperature, abstaining } = result;
  return {
    split,
    probabilities: posts.probabilities,
    labels: posts.labels,
    threshold,
    note: describeUses(result),
    ...(temperature !== 1 && { uncalibrated: posts.uncalibrated }),
    ...(abstaining?.band && { abstainBand: abstaining.band }),
  };
}

/** Origins of one section's keys, without its name. */
function originsOf(origins: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const own = Object.entries(origins).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, origin]) => [key.slice(prefix.length), origin]));
}
