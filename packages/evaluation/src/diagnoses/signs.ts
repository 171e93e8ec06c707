import type { Facts, TrainedEpoch } from './facts.ts';
import { limits } from './limits.ts';
import { digits, phasesOf, trainLoss, valLoss } from './overfitting.ts';

// What the epochs of a run show of its learning rates.

/** Whether posts are ranked clearly better than by chance. */
export const hasLearned = ({ verdicts: { rocAuc } }: Facts) => rocAuc.value >= limits.learnedAuc && rocAuc.low > 0.5;

/** Whether no epoch was better than one answer for all. */
export const isNearPrior = (facts: Facts) =>
  facts.lowestLoss >= limits.nearPriorLoss * facts.priorLoss && !hasLearned(facts);

/** How far training's loss fell from the first epoch to its lowest, as a share. */
function fallOf({ epochs }: Facts): number {
  const losses = epochs.map(trainLoss).filter(Number.isFinite);
  return losses.length < 2 ? Number.NaN : 1 - Math.min(...losses) / (losses[0] as number);
}

function skippedSteps({ epochs }: Facts): string | null {
  const sum = (key: 'skipped' | 'taken') => epochs.reduce((total, { steps }) => total + (steps?.[key] ?? 0), 0);
  const [skipped, all] = [sum('skipped'), sum('skipped') + sum('taken')];
  return skipped > 0 && skipped / all >= limits.skippedShare
    ? `${skipped} of ${all} steps had no finite loss or gradient and were skipped`
    : null;
}

function lossSpike({ epochs, priorLoss }: Facts): string | null {
  const start = Math.max(epochs[0]?.steps?.firstLoss ?? 0, priorLoss);
  const worst = epochs.reduce((a, b) => (trainLoss(b) > trainLoss(a) ? b : a), epochs[0] as TrainedEpoch);
  if (trainLoss(worst) > limits.lossSpike * start)
    return `the training loss was ${digits(trainLoss(worst))} in epoch ${worst.epoch}`;
  // A loss on validation that is high although training's is not low is not learned by heart.
  const wild = epochs.find(
    (epoch) => valLoss(epoch) > limits.lossSpike * priorLoss && trainLoss(epoch) > limits.nearPriorLoss * priorLoss,
  );
  return wild ? `the loss on validation was ${digits(valLoss(wild))} in epoch ${wild.epoch}` : null;
}

function lossUpturn(facts: Facts): string | null {
  for (const epochs of phasesOf(facts)) {
    const [first, last] = [epochs[0] as TrainedEpoch, epochs.at(-1) as TrainedEpoch];
    const isRising = trainLoss(last) > limits.lossUpturn * trainLoss(first);
    const isWorse = (last.metrics['val/loss'] ?? 0) > (first.metrics['val/loss'] ?? 0);
    if (isRising && isWorse)
      return `the training loss of phase ${first.phase} rose from ${digits(trainLoss(first))} to ${digits(trainLoss(last))}`;
  }
  return null;
}

function alwaysClipped(facts: Facts): string | null {
  const clip = Number(facts.settings?.['training.clip_norm'] ?? Number.NaN);
  const norms = facts.epochs.flatMap(({ steps }) => (steps?.lowGradientNorm == null ? [] : [steps]));
  const isCut = norms.length > 0 && norms.every(({ lowGradientNorm }) => (lowGradientNorm as number) > clip);
  const median = Math.max(...norms.map(({ gradientNorm }) => gradientNorm as number));
  return isCut && fallOf(facts) < limits.lossFall
    ? `nearly every gradient was cut to ${clip} (their norm was about ${Number(median.toPrecision(2))}) while the loss stood still`
    : null;
}

function brokenNetwork(facts: Facts): string | null {
  const rate = Math.max(...facts.phases.map((phase) => phase.rate));
  return rate >= limits.highRate && isNearPrior(facts)
    ? `at a rate of ${rate} the network answers alike for all posts`
    : null;
}

export function rateTooHigh(facts: Facts): string | null {
  if (facts.epochs.length === 0) return null;
  const signs = [skippedSteps, lossSpike, lossUpturn, alwaysClipped, brokenNetwork].flatMap(
    (sign) => sign(facts) ?? [],
  );
  return signs.length === 0 ? null : `The learning rate looks too high: ${signs.join('; ')}.`;
}

export function rateTooLow(facts: Facts): string | null {
  const { epochs } = facts;
  const fall = fallOf(facts);
  if (!(fall < limits.lossFall) || facts.lowestLoss < limits.nearPriorLoss * facts.priorLoss) return null;
  const [from, to] = [trainLoss(epochs[0] as TrainedEpoch), Math.min(...epochs.map(trainLoss))];
  return `The learning rate looks too low, or the training too short: the training loss only went from ${digits(from)} to ${digits(to)}.`;
}
