import path from 'node:path';
import type { Run, TrainConfig } from '@crosscheck/config';
import { withoutSecrets } from '@crosscheck/contract';
import type { ReportData, ScoredSplit } from '@crosscheck/report';
import { mistakesOf } from '../report/mistakes.ts';
import type { Evaluation, EvaluationResult } from './evaluate-split.ts';
import { pairOf } from './judge-rival.ts';
import { describeNetwork, type ModelFacts } from './model-facts.ts';
import { valuesOf } from './posts.ts';
import { describeUses, unfairness } from './show.ts';

/** The evaluation as a page: all that names or describes the model is its own word, the composed config says only how it was judged. */
export function evaluationReport(
  { result, posts, samples, facts, disagreements }: Evaluation,
  { config, origins }: Run<TrainConfig>,
): ReportData {
  const { probabilities, labels, indices } = posts;
  const { ablations, groups, threshold } = result;
  const values = groups && valuesOf(groups.column, indices, samples);
  return {
    title: `${result.name} on ${result.split}`,
    version: result.version,
    createdAt: new Date().toISOString(),
    description: `${path.basename(result.model)} judged on ${posts.labels.length} posts. ${describeUses(result)}`,
    warnings: [
      ...result.notes,
      ...unfairness(result),
      ...(result.skipped > 0 ? [`${result.skipped} rows could not be used and were left out`] : []),
    ],
    diagnoses: result.diagnoses,
    evaluation: scoredSplit({ result, posts }),
    ...(groups && values && { groups: { column: groups.column, values } }),
    ...(ablations && { ablations: { full: result.metrics.accuracy, ...ablations } }),
    ...(result.comparison && { rival: { ...pairOf(result, result.comparison), disagreements } }),
    checks: result.checks,
    mistakes: mistakesOf({ probabilities, labels, indices }, samples, threshold),
    model: modelFacts(result, facts),
    ...(facts.config !== null && { trainedWith: { config: facts.config, origins: facts.configOrigins } }),
    config: withoutSecrets({ evaluation: config.evaluation, data: config.data }),
    configOrigins: originsOf(origins, ['evaluation.', 'data.']),
  };
}

function modelFacts({ model, version, threshold, temperature }: EvaluationResult, facts: ModelFacts) {
  const { name, createdAt, runId, epoch, architecture, preprocessing } = facts;
  const known: Record<string, string | null> = {
    name,
    version,
    file: model,
    made: createdAt,
    epoch: epoch === null ? null : String(epoch),
    'MLflow run': runId,
    network: describeNetwork(architecture),
    input: `pictures of ${preprocessing.imageSize} × ${preprocessing.imageSize}, at most ${preprocessing.maxTokens} tokens`,
    verdict: `FAKE above ${Number(threshold.toFixed(4))}, at temperature ${Number(temperature.toFixed(4))}`,
  };
  return Object.fromEntries(Object.entries(known).filter((fact): fact is [string, string] => fact[1] !== null));
}

function scoredSplit({ result, posts }: Pick<Evaluation, 'result' | 'posts'>): ScoredSplit {
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

/** Origins of some sections' keys. */
function originsOf(origins: Readonly<Record<string, string>>, sections: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(origins).filter(([key]) => sections.some((section) => key.startsWith(section))),
  );
}
