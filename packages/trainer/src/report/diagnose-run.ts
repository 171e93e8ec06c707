import { flattenConfig, type TrainConfig } from '@crosscheck/config';
import { type Diagnosis, diagnose, type Verdicts, verdictsOf, verdictsOfEpoch } from '@crosscheck/evaluation';
import type { Phase } from '../loop/phases.ts';
import type { OpenRun } from '../run/open-run.ts';
import type { TrainingOutcome } from '../run/run-all.ts';
import { type Findings, scoredValidation } from './training-report.ts';

/** What is wrong with a run and its best checkpoint; nothing is said of a run that was cut short. */
export function diagnoseRun(open: OpenRun, outcome: TrainingOutcome, findings: Findings | null): Diagnosis[] {
  if (outcome.interrupted !== null) return [];
  const { config, history, phases, manifests } = open;
  return diagnose({
    verdicts: findings ? verdictsOfFindings(findings) : verdictsOfBest(open, outcome),
    epochs: history,
    phases: phases.map((phase) => ({ phase: phase.name, rate: phase.learningRate, key: rateKey(phase, config) })),
    trainingRows: manifests.train.samples.length,
    trainingShare: countOf(manifests.train, 1) / manifests.train.samples.length,
    ...(findings?.calibration && { temperature: findings.calibration.decision.temperature }),
    settings: flattenConfig(config),
  });
}

function verdictsOfFindings(findings: Findings): Verdicts {
  const { probabilities, labels, threshold } = scoredValidation(findings);
  return verdictsOf(probabilities, labels, threshold);
}

/** From the metrics of the best epoch: with `training.report=false` no post is judged again. */
function verdictsOfBest({ history, manifests }: OpenRun, { best }: TrainingOutcome): Verdicts {
  const { metrics = {} } = history.find(({ epoch }) => epoch === best?.epoch) ?? history.at(-1) ?? {};
  return verdictsOfEpoch(metrics, countOf(manifests.val, 0), countOf(manifests.val, 1));
}

const countOf = ({ samples }: OpenRun['manifests']['val'], wanted: 0 | 1) =>
  samples.filter(({ label }) => label === wanted).length;

/** The key that sets a phase's learning rate. */
const rateKey = ({ name }: Phase, { training }: TrainConfig) =>
  training.phases === null ? 'training.learning_rate' : `training.phases.${name}.learning_rate`;
