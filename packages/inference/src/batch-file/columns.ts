import { CrosscheckError } from '@crosscheck/contract';

/** What a verdict adds to a row, in this order. */
export interface VerdictColumns {
  probability: boolean;
  confidence: boolean;
  /** The parts of a post that the verdict rests on. */
  modalities?: boolean;
}

/** How the columns of the input become those of the output. */
export interface ColumnPlan {
  textIndex: number;
  imageIndex: number;
  inputColumns: number;
  inputHeader: readonly string[];
  /** What the input's columns are called in the output. */
  renamed: ReadonlyMap<string, string>;
  /** Header of the output. */
  header: string[];
}

/**
 * Plans the output: every input column, then the verdict's. The input's own label becomes `true_label`; another column that has the
 * name of a verdict's gets `input_` in front.
 *
 * @throws CROSSCHECK_INFER_COLUMN_MISSING
 */
export function planColumns(
  header: readonly string[],
  columns: { file: string; text: string; image: string; label: string },
  verdict: VerdictColumns,
): ColumnPlan {
  const added = [
    'prediction',
    'label',
    ...(verdict.probability ? ['probability'] : []),
    ...(verdict.confidence ? ['confidence'] : []),
    ...(verdict.modalities ? ['modalities'] : []),
  ];
  const collides = (name: string) => added.includes(name) || name === columns.label;
  const taken = new Set([...added, ...header.filter((name) => !collides(name))]);
  const aside = (name: string) => freeName(name === columns.label ? 'true_label' : `input_${name}`, taken);
  const kept = header.map((name) => (collides(name) ? aside(name) : name));
  return {
    textIndex: indexOf(header, columns.text, columns.file),
    imageIndex: indexOf(header, columns.image, columns.file),
    inputColumns: header.length,
    inputHeader: header,
    renamed: new Map(header.map((name, i) => [name, kept[i] as string])),
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
  const message = `expected a column "${column}" in ${file}, found ${header.map((name) => `"${name}"`).join(', ') || 'no header line'}; name the right one with data.text_column and data.image_column`;
  throw new CrosscheckError('CROSSCHECK_INFER_COLUMN_MISSING', message);
}
