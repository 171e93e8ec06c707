export interface Range {
  low: number;
  high: number;
}

const bins = 8192;
const half = bins / 2;
const cutPercents = [100, 99.9999, 99.999, 99.997, 99.99, 99.97, 99.9, 99.8, 99.5];

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

  /** Of the ranges that cut off ever more of the rarest values, the one whose 256 steps lose least: squares of what is rounded and of what is cut off. */
  rangeOfLeastError(): Range {
    const candidates = cutPercents.map((percent) => this.range(percent));
    const errors = candidates.map((range) => this.#squaredError(range));
    return candidates[errors.indexOf(Math.min(...errors))] as Range;
  }

  #squaredError({ low, high }: Range): number {
    const [from, to] = [Math.min(0, low), Math.max(0, high)];
    const ofRounding = ((to - from) / 255) ** 2 / 12;
    return this.#counts.reduce((sum, count, bin) => {
      const value = (bin + 0.5 - half) / this.#binsPerUnit;
      const beyond = Math.max(from - value, value - to, 0);
      return count === 0 ? sum : sum + count * Math.max(beyond ** 2, ofRounding);
    }, 0);
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
