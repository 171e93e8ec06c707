import { CrosscheckError, type LabelId } from '@crosscheck/contract';

/** Fakeddit's own column: 1 is a true post there, and 0 here. */
const fakedditLabel = '2_way_label';

export interface MeaningOptions {
  file: string;
  header: readonly string[];
  labelColumn: string;
  /** What stands before `labels` on the command line. */
  keys: string;
}

/** Tells labels that mean the opposite of ours, as far as it shows. Nobody needs it where the user said what labels mean. */
export interface MeaningCheck {
  /** @param label as it was read; null for none */
  add(cells: readonly string[], label: LabelId | null): void;
  /** Null while nothing is wrong. */
  fault(): CrosscheckError | null;
}

/**
 * Fakeddit's label column itself is refused at once; labels beside it that agree with it are told when rows were seen.
 *
 * @throws CROSSCHECK_DATA_LABEL_MEANING
 */
export function createMeaningCheck({ file, header, labelColumn, keys }: MeaningOptions): MeaningCheck {
  if (labelColumn === fakedditLabel && header.includes(fakedditLabel))
    throw meaningError(file, `its column "${fakedditLabel}" says 1 for true posts`, keys);
  const position = header.indexOf(fakedditLabel);
  let [both, alike] = [0, 0];
  return {
    add(cells, label) {
      const cell = cells[position] ?? '';
      if (label === null || !/^[01](\.0+)?$/.test(cell)) return;
      both++;
      if (Number(cell) === label) alike++;
    },
    fault() {
      if (alike <= both / 2) return null;
      const what = `${alike} of ${both} rows have the label of Fakeddit's "${fakedditLabel}", where 1 is a true post`;
      return meaningError(file, what, keys);
    },
  };
}

function meaningError(file: string, what: string, keys: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_LABEL_MEANING',
    `expected 0 = REAL and 1 = FAKE in ${file}, but ${what}; make the CSV with \`pnpm data:fakeddit\`, which turns them around, ` +
      `or say what they mean: '${keys}labels={"1": REAL, "0": FAKE}'`,
  );
}
