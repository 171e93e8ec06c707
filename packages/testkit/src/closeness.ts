export interface Closeness {
  /** Largest |actual − expected| allowed. */
  maxAbs: number;
  /** Smallest cosine similarity allowed; left out for short vectors. */
  minCosine?: number;
}

export interface Difference {
  maxAbs: number;
  meanAbs: number;
  cosine: number;
  /** Position of the largest difference. */
  worst: number;
}

/** How far two equally long vectors are apart. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): Difference {
  if (actual.length !== expected.length) throw new Error(`lengths differ: ${actual.length} and ${expected.length}`);
  let [maxAbs, sum, worst, dot, a2, e2] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    const d = Math.abs(a - e);
    // NaN must lose every comparison that matters, so it counts as infinitely far.
    if (!(d <= maxAbs)) [maxAbs, worst] = [Number.isNaN(d) ? Number.POSITIVE_INFINITY : d, i];
    sum += d;
    dot += a * e;
    a2 += a * a;
    e2 += e * e;
  }
  const cosine = a2 === 0 && e2 === 0 ? 1 : dot / Math.sqrt(a2 * e2);
  return { maxAbs, meanAbs: sum / Math.max(1, actual.length), cosine, worst };
}

/** Throws with the place and size of the largest difference when two vectors are further apart than allowed. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, allowed: Closeness): void {
  const d = difference(actual, expected);
  const at = `[${d.worst}]: got ${actual[d.worst]}, expected ${expected[d.worst]}`;
  if (!(d.maxAbs <= allowed.maxAbs)) throw new Error(`max |difference| ${d.maxAbs} > ${allowed.maxAbs} at ${at}`);
  if (allowed.minCosine !== undefined && !(d.cosine >= allowed.minCosine)) {
    throw new Error(`cosine ${d.cosine} < ${allowed.minCosine}; largest difference ${d.maxAbs} at ${at}`);
  }
}
