import path from 'node:path';
import { labelNames } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import type { ConfidentLearning, Estimate } from '@crosscheck/evaluation';

/** What was found out about the labels of N posts. */
export interface SuspectReport {
  samples: readonly Sample[];
  /** [N] probability of FAKE by a probe that has not seen the post or one like it */
  probabilities: Float64Array;
  learnt: ConfidentLearning;
  /** How well the probes tell FAKE from REAL as labelled, on unseen posts. */
  rocAuc: Estimate;
  accuracy: Estimate;
  /** Accuracy of the best constant guess. */
  baseline: number;
  /** What is to be said before the ranking. */
  warnings: string[];
  folds: number;
  sources: readonly string[];
}

const SHOWN = 5;
const TEXT = 60;

const estimate = ({ value, low, high }: Estimate) => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;

export const whereOf = ({ file, line }: { file: string; line: number }): string => `${path.basename(file)}:${line}`;

/** How far the ranking is to be trusted, in sentences. */
export function describeTrust({ samples, rocAuc, accuracy, baseline, folds }: SuspectReport): string {
  return (
    `${samples.length} posts judged in ${folds} folds by probes that had not seen them: ROC-AUC ${estimate(rocAuc)} (0.5 is a guess), ` +
    `accuracy ${estimate(accuracy)} (best constant guess ${baseline.toFixed(3)})`
  );
}

/** The end of the command as a person reads it. */
export function formatSuspects(report: SuspectReport, files: readonly string[]): string {
  const { learnt, samples, warnings } = report;
  const { suspects, noise } = learnt;
  const shares = labelNames.map((label, i) => `${((noise[i] as number) * 100).toFixed(1)} % of ${label}`);
  const first = suspects.slice(0, SHOWN).map(({ row, label, suggested, probability }, i) => {
    const sample = samples[row] as (typeof samples)[number];
    return `  ${i + 1}. ${whereOf(sample)}  ${labelNames[label]}, rather ${labelNames[suggested]} (${probability.toFixed(3)})  ${cut(sample.text)}`;
  });
  return [
    describeTrust(report),
    ...warnings.map((warning) => `warning: ${warning}`),
    `${suspects.length} suspects, the most suspicious first; labels estimated wrong: ${shares.join(', ')}`,
    ...first,
    ...files.map((file) => path.relative('.', file)),
    nextStep(report),
  ].join('\n');
}

function nextStep({ learnt: { suspects } }: SuspectReport): string {
  return suspects.length === 0
    ? 'Next: nothing contradicts the labels; go on with pnpm train'
    : 'Next: look at the page from the top until most labels are right, correct the CSV by hand, and train again. No label was changed';
}

function cut(text: string): string {
  const characters = Array.from(text.replaceAll(/\s+/g, ' '));
  return characters.length <= TEXT ? characters.join('') : `${characters.slice(0, TEXT).join('')}…`;
}
