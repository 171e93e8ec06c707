import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';

/**
 * Scored rows, sorted once by falling probability. N rows, P of them FAKE.
 * Every curve and every resample of the bootstrap walks over this order.
 */
export interface Scored {
  rows: number;
  /** [N] float64, falling. */
  probabilities: Float64Array;
  /** [N] 1 FAKE, 0 REAL, in the same order. */
  labels: Uint8Array;
  /** [N] 1 where the next row has a lower probability: the rows where a threshold can lie. */
  closesTie: Uint8Array;
  /** [N] position of each row as it was given. */
  order: Uint32Array;
}

function fail(code: ErrorCode, message: string): never {
  throw new CrosscheckError(code, message);
}

/** Refuses lists that do not belong together, labels other than 0 and 1, and probabilities outside [0, 1]. */
export function checkScores(probabilities: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (probabilities.length !== labels.length) {
    const lengths = `${probabilities.length} probabilities and ${labels.length} labels`;
    fail(
      'CROSSCHECK_EVALUATION_LENGTHS',
      `expected as many probabilities as labels, got ${lengths}; pass one of each per row`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label !== 0 && label !== 1) {
      fail(
        'CROSSCHECK_EVALUATION_BAD_LABEL',
        `expected label 0 (REAL) or 1 (FAKE), got ${label} in row ${i}; drop unlabelled rows first`,
      );
    }
    const p = probabilities[i] as number;
    if (!(p >= 0 && p <= 1)) {
      const hint = 'a NaN comes from a diverged model, other values from logits that were not passed through sigmoid';
      fail(
        'CROSSCHECK_EVALUATION_BAD_PROBABILITY',
        `expected a probability of FAKE in [0, 1], got ${p} in row ${i}; ${hint}`,
      );
    }
  }
}

/** Refuses rows of one class only, for fits that need both. */
export function requireBothClasses(labels: ArrayLike<number>, purpose: string): void {
  const fake = Array.from(labels).filter((label) => label === 1).length;
  if (fake > 0 && fake < labels.length) return;
  const got = `${labels.length} rows, ${fake} of them FAKE`;
  fail(
    'CROSSCHECK_EVALUATION_ONE_CLASS',
    `expected rows of both classes to ${purpose}, got ${got}; use a split with both`,
  );
}

/** Sorts the rows by falling probability and marks where ties end. */
export function sortScores(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Scored {
  checkScores(probabilities, labels);
  const rows = probabilities.length;
  const order = Uint32Array.from({ length: rows }, (_, i) => i).sort(
    (a, b) => (probabilities[b] as number) - (probabilities[a] as number),
  );
  const scored: Scored = {
    rows,
    probabilities: Float64Array.from(order, (i) => probabilities[i] as number),
    labels: Uint8Array.from(order, (i) => labels[i] as number),
    closesTie: new Uint8Array(rows),
    order,
  };
  for (let i = 0; i < rows; i++) scored.closesTie[i] = scored.probabilities[i] === scored.probabilities[i + 1] ? 0 : 1;
  return scored;
}
