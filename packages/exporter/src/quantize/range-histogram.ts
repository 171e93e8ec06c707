export interface Range {
  low: number;
  high: number;
}

const bins = 8192;
const half = bins / 2;

/**
 * Counts values in bins of equal width around zero. A value beyond the last bin doubles the width and merges neighbours, so one pass over
 * the data suffices and memory stays constant.
 */
export class RangeHistogram {
  readonly #counts = new Float64Array(bins);
  #binsPerUnit = half / 2 ** -20;
  #total = 0;

  observe(values: Float32Array): void {
    let limit = half / this.#binsPerUnit;
    for (const value of values) {
      if (!Number.isFinite(value)) continue; // the comparison with the exact network decides about those
      while (value >= limit || value < -limit) limit = this.#widen();
      const bin = Math.floor(value * this.#binsPerUnit) + half;
      (this.#counts[bin] as number)++;
    }
    this.#total += values.length;
  }

  #widen(): number {
    const merged = new Float64Array(bins);
    this.#counts.forEach((count, bin) => {
      const target = Math.floor((bin - half) / 2) + half;
      merged[target] = (merged[target] as number) + count;
    });
    this.#counts.set(merged);
    this.#binsPerUnit /= 2;
    return half / this.#binsPerUnit;
  }

  /**
   * The range that holds this share of the values, as many cut off on either side.
   *
   * @param percent in (0, 100]
   */
  range(percent: number): Range {
    const cut = ((1 - percent / 100) / 2) * this.#total;
    return {
      low: (this.#binAfter(cut) - half) / this.#binsPerUnit,
      high: (this.#binBefore(cut) + 1 - half) / this.#binsPerUnit,
    };
  }

  /** First bin, from below, with more than `cut` values up to it. */
  #binAfter(cut: number): number {
    let seen = 0;
    return this.#counts.findIndex((count) => (seen += count) > cut);
  }

  #binBefore(cut: number): number {
    let seen = 0;
    return this.#counts.findLastIndex((count) => (seen += count) > cut);
  }
}
