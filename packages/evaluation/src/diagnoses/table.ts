import { labelNames } from '@crosscheck/contract';
import { ratesOf } from '../metrics.ts';
import * as advice from './advice.ts';
import type { Facts } from './facts.ts';
import { limits } from './limits.ts';
import { digits, overfits } from './overfitting.ts';
import { regularise } from './regularise.ts';
import { hasLearned, isNearPrior, rateTooHigh, rateTooLow } from './signs.ts';

export interface Rule {
  id: string;
  /** A sentence when it is so, else null. */
  look(facts: Facts): string | null;
  remedies: readonly advice.Remedy[];
  /** Rules that would only say the same again. */
  hides?: readonly string[];
}

const percent = (share: number) => `${Number((100 * share).toFixed(1))} %`;

/** The label that hardly any post gets, with how many of its posts are found; null when both are given. */
function missedLabel({ real, fake, verdicts: { confusion } }: Facts) {
  const [missed] = (
    [
      { label: 1, found: confusion.tp, of: fake, called: confusion.tn + confusion.fn },
      { label: 0, found: confusion.tn, of: real, called: confusion.tp + confusion.fp },
    ] as const
  ).filter(({ found, of }) => found / of < limits.foundShare);
  return missed ?? null;
}

function oneAnswer(facts: Facts): string | null {
  const missed = missedLabel(facts);
  if (missed === null) return null;
  const { rows, accuracy, commonest } = facts;
  const [often, rare] = missed.label === 1 ? labelNames : [labelNames[1], labelNames[0]];
  const what =
    missed.called === rows ? `calls every post ${often}` : `calls ${missed.called} of ${rows} posts ${often}`;
  const worth = accuracy <= commonest ? `, no more than one answer for all would give` : '';
  return `The model ${what} and finds ${missed.found} of ${missed.of} ${rare} posts; its accuracy is ${digits(accuracy)}${worth}.`;
}

/** What can be wrong with a model or its run, the most serious first. */
export const rules = [
  {
    id: 'one-class',
    look: ({ real, fake, rows }) =>
      real > 0 && fake > 0
        ? null
        : `All ${rows} judged posts are ${fake > 0 ? 'FAKE' : 'REAL'}, so no figure says how the other label is judged.`,
    remedies: [() => 'judge posts of both labels'],
    hides: ['one-answer', 'commonest-answer'],
  },
  {
    id: 'one-answer',
    look: oneAnswer,
    remedies: [advice.balance, advice.moveThreshold, advice.lookAtPosts],
    hides: ['commonest-answer'],
  },
  {
    id: 'learned-nothing',
    look: (facts) =>
      isNearPrior(facts)
        ? `It learned next to nothing: the lowest loss on these posts, ${digits(facts.lowestLoss)}, is no better than that of giving each the share of FAKE posts as its probability (${digits(facts.priorLoss)}).`
        : null,
    remedies: [advice.moreEpochsOrPosts, advice.lookAtPosts],
  },
  {
    id: 'turned-around',
    look: ({ verdicts: { rocAuc } }) =>
      rocAuc.high < 0.5
        ? `It ranks posts the wrong way round: ROC-AUC is ${rocAuc.value.toFixed(3)}, with a 95 % interval up to ${rocAuc.high.toFixed(3)}.`
        : null,
    remedies: [advice.turnLabels],
  },
  {
    id: 'ranks-by-chance',
    look: ({ rows, verdicts: { rocAuc } }) =>
      rocAuc.low <= 0.5 && rocAuc.high >= 0.5
        ? `On these ${rows} posts its ranking cannot be told from chance: the 95 % interval of ROC-AUC, ${rocAuc.low.toFixed(3)} to ${rocAuc.high.toFixed(3)}, includes 0.5.`
        : null,
    remedies: [advice.moreEpochsOrPosts, advice.lookAtPosts],
  },
  {
    id: 'rate-too-high',
    look: rateTooHigh,
    remedies: [advice.lowerRates, advice.clip],
    hides: ['rate-too-low'],
  },
  { id: 'rate-too-low', look: rateTooLow, remedies: [advice.higherRates, advice.moreEpochsOrPosts] },
  { id: 'overfits', look: overfits, remedies: regularise },
  {
    id: 'commonest-answer',
    look: ({ accuracy, commonest, verdicts: { confusion } }) =>
      accuracy <= commonest && ratesOf(confusion).balancedAccuracy < limits.usefulBalancedAccuracy
        ? `Its accuracy, ${digits(accuracy)}, is no better than that of the commoner label for every post (${percent(commonest)}).`
        : null,
    remedies: [advice.balance, advice.moveThreshold, advice.moreEpochsOrPosts],
  },
  {
    id: 'overconfident',
    look: (facts) =>
      facts.verdicts.loss > facts.priorLoss && hasLearned(facts) && facts.real > 0 && facts.fake > 0
        ? `Its probabilities are worse than none: their log loss, ${digits(facts.verdicts.loss)}, is above that of the share of FAKE posts (${digits(facts.priorLoss)}), although it ranks posts.`
        : null,
    remedies: [advice.calibrate],
  },
  {
    id: 'extreme-temperature',
    look: ({ temperature = 1 }) =>
      temperature > limits.temperature.high || temperature < limits.temperature.low
        ? `Temperature ${Number(temperature.toPrecision(3))} is extreme: the logits are ${temperature > 1 ? 'far surer than they are right' : 'far less sure than they are right'}.`
        : null,
    remedies: [advice.lookAtPosts],
  },
] as const satisfies readonly Rule[];

export type DiagnosisId = (typeof rules)[number]['id'];
