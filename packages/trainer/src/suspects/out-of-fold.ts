import { sigmoid } from '@crosscheck/contract';
import { computeMetrics } from '@crosscheck/evaluation';
import { firstComponents } from './components.ts';
import { fitProbe, type ProbeInput } from './probe.ts';

/** Probes that are tried, as [components of each part, penalty]: few posts cannot tell what many products of components mean. */
const tries = [4, 8, 16, 24].flatMap((components) =>
  [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1].map((penalty) => ({ components, penalty })),
);

/** Components of each part that the largest probe looks at. */
export const mostComponents = 24;

export interface OutOfFold {
  /** [N] probability of FAKE, by a probe that has not seen the row or one like it */
  probabilities: Float64Array;
  components: number;
  penalty: number;
}

/**
 * Judges every row by a probe that was fitted on the other folds. Of the probes that are tried, the one with the lowest loss on unseen rows is
 * taken.
 *
 * @param folds [N] the fold of each row
 */
export function predictOutOfFold(input: ProbeInput, folds: readonly string[]): OutOfFold {
  let best: (OutOfFold & { loss: number }) | null = null;
  for (const { components, penalty } of tries) {
    const [image, text] = [firstComponents(input.image, components), firstComponents(input.text, components)];
    const probabilities = predictAll({ ...input, image, text }, folds, penalty);
    const { loss } = computeMetrics(probabilities, input.labels);
    if (best === null || loss < best.loss) best = { probabilities, components, penalty, loss };
  }
  return best as OutOfFold;
}

function predictAll(input: ProbeInput, folds: readonly string[], penalty: number): Float64Array {
  const probabilities = new Float64Array(folds.length);
  for (const fold of new Set(folds)) {
    const [unseen, seen] = [rowsWhere(folds, (name) => name === fold), rowsWhere(folds, (name) => name !== fold)];
    const logits = fitProbe(input, seen, penalty)(unseen);
    for (const [i, row] of unseen.entries()) probabilities[row] = sigmoid(logits[i] as number);
  }
  return probabilities;
}

function rowsWhere(folds: readonly string[], isAsked: (fold: string) => boolean): number[] {
  return [...folds.keys()].filter((row) => isAsked(folds[row] as string));
}
