import { CrosscheckError, type LabelId } from '@crosscheck/contract';
import { createLabelReader, describeUnknownWords, isMissing, type LabelRules } from '@crosscheck/posts';
import { textOf } from './read-json.ts';

/** Reads a source's labels and remembers the words that it does not know. */
export interface LabelCollector {
  /** Ours; null for a blank or unknown one. */
  read(value: unknown): LabelId | null;
  /**
   * Refuses a file with words that are not known: what is left out without a label would be another data set than the one given.
   *
   * @throws CROSSCHECK_DATA_BAD_LABEL
   */
  requireKnown(file: string): void;
}

export function collectLabels(rules: LabelRules): LabelCollector {
  const labelOf = createLabelReader(rules);
  const unknown = new Map<string, number>();
  return {
    read(value) {
      const word = typeof value === 'object' && value !== null ? JSON.stringify(value) : textOf(value).trim();
      const label = labelOf(word);
      if (label === null && !isMissing(word)) unknown.set(word, (unknown.get(word) ?? 0) + 1);
      return label;
    },
    requireKnown(file) {
      if (unknown.size === 0) return;
      const message = `expected labels that are known in ${file}, got ${describeUnknownWords(unknown, '')}${ambiguous(unknown)}`;
      throw new CrosscheckError('CROSSCHECK_DATA_BAD_LABEL', message);
    },
  };
}

/** What true and false mean is another thing in every data set. */
function ambiguous(unknown: ReadonlyMap<string, number>): string {
  const isAmbiguous = [...unknown.keys()].some((word) => /^(true|false)$/i.test(word));
  return isAmbiguous ? '. Some data sets call a post true when it is real, others when it is fake' : '';
}
