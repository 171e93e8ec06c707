import { withoutSecrets } from '@crosscheck/contract';
import { type AblatedAccuracy, applyTemperature, type Diagnosis } from '@crosscheck/evaluation';
import { countParameters } from '@crosscheck/network';
import type { ReportData, ScoredSplit } from '@crosscheck/report';
import { describeTensorflow } from '@crosscheck/tensorflow';
import type { BestCalibration } from '../calibrate/calibrate-best.ts';
import type { AblationName } from '../evaluate/ablations.ts';
import { accuracyOf } from '../evaluate/posts.ts';
import type { Judged } from '../loop/judge.ts';
import type { OpenRun } from '../run/open-run.ts';
import type { TrainingOutcome } from '../run/run-all.ts';
import { mistakesOf } from './mistakes.ts';

/** What the report tells of. */
export interface Findings {
  judged: Judged;
  calibration: BestCalibration | null;
  ablations: Record<AblationName, AblatedAccuracy> | null;
}

/** The same with what is wrong. */
export interface DiagnosedFindings extends Findings {
  diagnoses: Diagnosis[];
}

/** How the best checkpoint judges now. */
export function decisionAfter(calibration: BestCalibration | null): { threshold: number; temperature: number } {
  return calibration?.decision ?? { threshold: 0.5, temperature: 1 };
}

/** The run as a page. */
export function trainingReport(open: OpenRun, outcome: TrainingOutcome, findings: DiagnosedFindings): ReportData {
  const { config, history, phases, model, manifests, origins } = open;
  const { judged, calibration, ablations } = findings;
  const evaluation = scoredValidation(findings);
  const skipped = manifests.train.problems.length + manifests.val.problems.length + open.unreadable.size;
  return {
    title: `${config.model.name}, version ${config.training.version}`,
    version: config.training.version,
    createdAt: new Date().toISOString(),
    description: `Judged on ${judged.labels.length} validation posts with the weights of epoch ${outcome.best?.epoch ?? history.length}. Validation also chose that epoch, so a test split will look a little worse: pnpm evaluate.`,
    warnings: [
      ...(['train', 'val'] as const).flatMap((split) => manifests[split].notes.map((note) => `${split}: ${note}`)),
      ...(skipped > 0 ? [`${skipped} rows could not be used and were left out`] : []),
      ...(outcome.interrupted !== null ? ['the run was interrupted before its end'] : []),
    ],
    diagnoses: findings.diagnoses,
    epochs: history,
    phases: phases.map((phase) => ({
      phase: phase.name,
      details: {
        'learning rate': phase.learningRate,
        epochs: history.filter(({ phaseIndex }) => phaseIndex === phase.index).length,
        'batch size': phase.batchSize,
        trainable: countParameters(model, phase.freeze).trainable.toLocaleString('en'),
      },
    })),
    bestMetric: config.training.early_stopping.metric,
    evaluation,
    ...(calibration && { calibration: scoredCalibration(calibration) }),
    ...(ablations && { ablations: { full: accuracyOf(evaluation, evaluation.threshold), ...ablations } }),
    mistakes: mistakesOf({ ...evaluation, indices: judged.indices }, manifests.val.samples, evaluation.threshold),
    config: withoutSecrets(config),
    configOrigins: origins,
    environment: environmentFacts(),
  };
}

/** Validation as the checkpoint judges it now. */
export function scoredValidation({
  judged: { logits, labels },
  calibration,
}: Findings): ScoredSplit & { probabilities: Float64Array } {
  const { threshold, temperature } = decisionAfter(calibration);
  const note = 'These posts also chose the epoch, so the model looks a little better here than it is.';
  return { split: 'validation', probabilities: applyTemperature(logits, temperature), labels, threshold, note };
}

/** The posts that calibration was fitted on, before and after. */
function scoredCalibration({ decision, answers: { logits, labels }, warnings }: BestCalibration): ScoredSplit {
  const { threshold, temperature, abstainBand, calibration } = decision;
  const isApart = calibration.usedBefore.length === 0;
  const note = isApart ? 'Neither training nor the choice of the epoch has used them.' : '';
  return {
    split: calibration.split === 'val' ? 'validation' : calibration.split,
    probabilities: applyTemperature(logits, temperature),
    uncalibrated: applyTemperature(logits, 1),
    labels,
    threshold,
    note: [note, ...warnings.map(sentence), `Temperature ${temperature.toFixed(3)} was fitted on them.`]
      .join(' ')
      .trim(),
    ...(abstainBand && { abstainBand }),
  };
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function environmentFacts(): Record<string, string> {
  return { node: process.version, tensorflow: describeTensorflow(), platform: `${process.platform} ${process.arch}` };
}
