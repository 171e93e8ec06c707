import type { Estimate } from '../intervals.ts';
import { independentDifference } from '../paired/accuracy-difference.ts';
import type { Facts, TrainedEpoch } from './facts.ts';
import { limits } from './limits.ts';

/** A phase in which training posts were learned by heart. */
export interface Overfitting {
  phase: string;
  /** What shows it, with its figures. */
  signs: string[];
}

/** A figure as sentences give it. */
export const digits = (value: number) => value.toFixed(4);

export const valLoss = ({ metrics }: TrainedEpoch) => metrics['val/loss'] ?? Number.NaN;

export const trainLoss = ({ metrics }: TrainedEpoch) => metrics['train/loss'] ?? Number.NaN;

/** The epochs of each phase, in their order. */
export const phasesOf = ({ epochs }: Pick<Facts, 'epochs'>) =>
  [...new Set(epochs.map(({ phase }) => phase))].map((name) => epochs.filter(({ phase }) => phase === name));

/** Share of FAKE among the posts of a training epoch. */
function trainedShare({ settings, trainingShare, fake, rows }: Facts): number {
  return settings?.['training.class_balanced_sampling'] === 'true' ? 0.5 : (trainingShare ?? fake / rows);
}

/** Accuracy on validation had it as many FAKE posts as a training epoch has: else a mix of labels would look like learning by heart. */
function comparableAccuracy(facts: Facts, { metrics }: TrainedEpoch): number {
  const { 'val/accuracy': accuracy = Number.NaN, 'val/recall': recall } = metrics;
  const { real, fake, rows } = facts;
  if (recall === undefined || real === 0 || fake === 0) return accuracy;
  const specificity = (accuracy * rows - recall * fake) / real;
  const share = trainedShare(facts);
  return share * recall + (1 - share) * specificity;
}

/** So many that chance plays no part in their accuracy: where the number of training posts is not known. */
const manyRows = 1e9;

/** How far validation's accuracy lies below training's, with its 95 % interval by Newcombe. */
function gapOf({ rows, trainingRows = manyRows }: Facts, train: number, val: number): Estimate {
  return independentDifference({ right: val * rows, rows }, { right: train * trainingRows, rows: trainingRows });
}

function accuracyGap(facts: Facts, epochs: readonly TrainedEpoch[]): string[] {
  const last = epochs.at(-1) as TrainedEpoch;
  const train = last.metrics['train/accuracy'] ?? Number.NaN;
  const val = comparableAccuracy(facts, last);
  const { value, low } = gapOf(facts, train, val);
  if (!(value >= limits.accuracyGap && low >= limits.accuracyGapBeyondChance)) return [];
  return [
    `accuracy was ${digits(train)} on training posts and ${digits(last.metrics['val/accuracy'] ?? Number.NaN)} on validation in epoch ${last.epoch}`,
  ];
}

function lossRise({ epochs, priorLoss }: Facts): string[] {
  const best = epochs.reduce((a, b) => (valLoss(b) < valLoss(a) ? b : a), epochs[0] as TrainedEpoch);
  const last = epochs.at(-1) as TrainedEpoch;
  const isHigh =
    valLoss(last) >= limits.lossRise * valLoss(best) && valLoss(last) >= limits.lossRiseOfPrior * priorLoss;
  if (!isHigh || trainLoss(last) >= trainLoss(best)) return [];
  return [
    `the loss on validation rose from ${digits(valLoss(best))} in epoch ${best.epoch} to ${digits(valLoss(last))} in epoch ${last.epoch} while that on training posts fell`,
  ];
}

/** The last phase in which training ran away from validation; null where none did. */
export function overfittingOf(facts: Facts): Overfitting | null {
  const phases = phasesOf(facts);
  const ofPhases = phases.map((epochs, i) => ({
    phase: epochs[0]?.phase ?? '',
    signs: [...accuracyGap(facts, epochs), ...(i === phases.length - 1 ? lossRise(facts) : [])],
  }));
  return ofPhases.findLast(({ signs }) => signs.length > 0) ?? null;
}

export function overfits(facts: Facts): string | null {
  const found = overfittingOf(facts);
  if (found === null) return null;
  const where = phasesOf(facts).length > 1 ? ` in phase ${found.phase}` : '';
  return `It overfits${where}, learning training posts by heart: ${found.signs.join('; ')}.`;
}
