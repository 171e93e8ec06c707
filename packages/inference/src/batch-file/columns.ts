import { CrosscheckError } from '@crosscheck/contract';

/** What a verdict adds to a row, in this order. */
export interface VerdictColumns {
  probability: boolean;
  confidence: boolean;
}

/** How the columns of the input become those of the output. */
export interface ColumnPlan {
  textIndex: number;
  imageIndex: number;
  inputColumns: number;
  /** Header of the output. */
  header: string[];
}

const renamed: Readonly<Record<string, string>> = { label: 'true_label' };

/**
 * Plans the output: every input column, then the verdict's. An input column that has the name of a verdict's moves aside: `label`
 * becomes `true_label`, others get `input_` in front.
 *
 * @throws CROSSCHECK_INFER_COLUMN_MISSING
 */
export function planColumns(
  header: readonly string[],
  columns: { file: string; text: string; image: string },
  verdict: VerdictColumns,
): ColumnPlan {
  const added = [
    'prediction',
    'label',
    ...(verdict.probability ? ['probability'] : []),
    ...(verdict.confidence ? ['confidence'] : []),
  ];
  const taken = new Set([...added, ...header.filter((name) => !added.includes(name))]);
  const kept = header.map((name) => (added.includes(name) ? freeName(renamed[name] ?? `input_${name}`, taken) : name));
  return {
    textIndex: indexOf(header, columns.text, columns.file),
    imageIndex: indexOf(header, columns.image, columns.file),
    inputColumns: header.length,
    header: [...kept, ...added],
  };
}

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}_${n}`;
  taken.add(free);
  return free;
}

function indexOf(header: readonly string[], column: string, file: string): number {
  const index = header.indexOf(column);
  if (index >= 0) return index;
  const message = `expected a column "${column}" in ${file}, found ${header.map((name) => `"${name}"`).join(', ') || 'no header line'}; name the right one with inference.batch.text_column and inference.batch.image_column`;
  throw new CrosscheckError('CROSSCHECK_INFER_COLUMN_MISSING', message);
}
