import { createRandom, type LabelId } from '@crosscheck/contract';
import { type Diagnosis, diagnose, verdictsOf } from '@crosscheck/evaluation';
import { isMissing, type LabelReader, type MeaningCheck } from '@crosscheck/posts';

/** Rows whose file says what they are, and that got a verdict. */
export interface Labelled {
  real: number;
  fake: number;
  /** With the right verdict. */
  right: number;
  /** Words that are no known label, with their counts. */
  unknown: ReadonlyMap<string, number>;
  /** Why these labels mean something else than ours; then nothing is said of right and wrong. */
  fault: string | null;
  /** What is wrong with the model on these rows, or on as many of them as are kept. */
  diagnoses: Diagnosis[];
}

/** How labels are compared with verdicts. */
export interface Comparing {
  /** -1 where the file has no labels. */
  labelIndex: number;
  labelOf: LabelReader;
  /** Null where the user said what labels mean. */
  meaning: MeaningCheck | null;
  /** FAKE iff probability > threshold. */
  threshold: number;
}

export interface LabelComparison {
  /** @param verdict undefined for an abstained one, which is neither right nor wrong @param probability of FAKE; NaN where it is not known */
  add(cells: readonly string[], verdict: LabelId | undefined, probability: number): void;
  result(): Labelled;
}

/** Diagnoses rest on so many rows at most, drawn evenly: enough for their intervals, and a second of one core. */
const keptRows = 10_000;

export function compareLabels({ labelIndex, labelOf, meaning, threshold }: Comparing): LabelComparison {
  const counts = { real: 0, fake: 0, right: 0 };
  const unknown = new Map<string, number>();
  const kept = { probabilities: [] as number[], labels: [] as LabelId[], seen: 0 };
  const random = createRandom(42, 'rows to diagnose');

  function keep(probability: number, label: LabelId): void {
    kept.seen++;
    const at = kept.labels.length < keptRows ? kept.labels.length : random.int(kept.seen);
    if (at >= keptRows) return;
    kept.probabilities[at] = probability;
    kept.labels[at] = label;
  }

  return {
    add(cells, verdict, probability) {
      const word = (cells[labelIndex] ?? '').trim();
      const label = labelOf(word);
      if (label === null && !isMissing(word)) unknown.set(word, (unknown.get(word) ?? 0) + 1);
      meaning?.add(cells, label);
      if (label === null || verdict === undefined) return;
      counts[label === 1 ? 'fake' : 'real']++;
      if (label === verdict) counts.right++;
      if (!Number.isNaN(probability)) keep(probability, label);
    },
    result() {
      const fault = meaning?.fault()?.message ?? null;
      const isJudged = fault === null && kept.labels.length > 0;
      const verdicts = isJudged ? verdictsOf(kept.probabilities, kept.labels, threshold) : null;
      return { ...counts, unknown, fault, diagnoses: verdicts ? diagnose({ verdicts }) : [] };
    },
  };
}
