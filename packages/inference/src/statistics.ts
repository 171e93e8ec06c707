/** A histogram in Prometheus' form: `counts[i]` observations are at most `buckets[i]`. */
export interface HistogramSnapshot {
  buckets: readonly number[];
  counts: number[];
  sum: number;
  count: number;
}

class Histogram {
  readonly #buckets: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = buckets.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    this.#buckets.forEach((bound, i) => {
      if (value <= bound) (this.#counts[i] as number)++;
    });
  }

  snapshot(): HistogramSnapshot {
    return { buckets: this.#buckets, counts: [...this.#counts], sum: this.#sum, count: this.#count };
  }
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const batchSizeBuckets = [1, 2, 4, 8, 16, 32];

/** What a classifier counts from its start. */
export class ClassifierStatistics {
  /** Posts answered. */
  posts = 0;
  /** Posts that ended in an error. */
  failures = 0;
  /** Posts refused because the queue was full. */
  refused = 0;
  /** Decoding and resizing of one picture. */
  readonly decodeSeconds = new Histogram(secondsBuckets);
  /** From tokenised to placed in a batch. */
  readonly queueSeconds = new Histogram(secondsBuckets);
  /** One batch inside onnxruntime. */
  readonly inferenceSeconds = new Histogram(secondsBuckets);
  /** Posts per batch. */
  readonly batchSize = new Histogram(batchSizeBuckets);
}
