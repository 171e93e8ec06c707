import type { OpenPosts } from '@crosscheck/posts';

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
  /** -1 where the input has no labels. */
  labelIndex: number;
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
 */
export function planColumns(
  { header, positions }: Pick<OpenPosts, 'header' | 'positions'>,
  labelColumn: string,
  verdict: VerdictColumns,
): ColumnPlan {
  const added = [
    'prediction',
    'label',
    ...(verdict.probability ? ['probability'] : []),
    ...(verdict.confidence ? ['confidence'] : []),
    ...(verdict.modalities ? ['modalities'] : []),
  ];
  const collides = (name: string) => added.includes(name) || name === labelColumn;
  const taken = new Set([...added, ...header.filter((name) => !collides(name))]);
  const aside = (name: string) => freeName(name === labelColumn ? 'true_label' : `input_${name}`, taken);
  const kept = header.map((name) => (collides(name) ? aside(name) : name));
  return {
    textIndex: positions.text,
    imageIndex: positions.image,
    labelIndex: positions.label,
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
