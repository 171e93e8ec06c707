import { CrosscheckError, nearest } from '@crosscheck/contract';

export interface ColumnNames {
  text: string;
  image: string;
  label: string;
}

/** Where in a record the three cells stand. */
export interface ColumnPositions {
  text: number;
  image: number;
  /** -1 when the file has no label column and needs none. */
  label: number;
}

/** Names made unique as pandas does: the first keeps its name, the next ones become `name.1`, `name.2`. */
export function uniqueColumns(header: readonly string[]): string[] {
  const taken = new Set(header);
  const seen = new Map<string, number>();
  return header.map((name) => {
    let count = seen.get(name) ?? 0;
    let unique = name;
    if (count > 0) while (taken.has((unique = `${name}.${count}`))) count++;
    taken.add(unique);
    seen.set(name, count + 1);
    return unique;
  });
}

/** What is asked of a file's columns. */
export interface ColumnRules {
  file: string;
  line: number;
  labelRequired: boolean;
  /** What stands before the names of options: `data.`, or nothing. */
  keys: string;
  /** What the user calls the columns' options, where it is not text_column, image_column, label_column. */
  options?: Partial<ColumnNames>;
}

/**
 * Finds the columns, or says which are missing, which exist and which comes nearest.
 *
 * @throws CROSSCHECK_DATA_MISSING_COLUMN
 */
export function findColumns(columns: readonly string[], names: ColumnNames, rules: ColumnRules): ColumnPositions {
  const roles = (['text', 'image', 'label'] as const).filter((role) => role !== 'label' || rules.labelRequired);
  const missing = roles.filter((role) => !columns.includes(names[role]));
  if (missing.length > 0) throw missingColumns(columns, names, rules, missing);
  return {
    text: columns.indexOf(names.text),
    image: columns.indexOf(names.image),
    label: columns.indexOf(names.label),
  };
}

function missingColumns(
  columns: readonly string[],
  names: ColumnNames,
  { file, line, keys, options }: ColumnRules,
  missing: readonly (keyof ColumnNames)[],
): CrosscheckError {
  const wanted = missing.map((role) => {
    const near = nearest(names[role], columns);
    const option = `${keys}${options?.[role] ?? `${role}_column`}`;
    return `"${names[role]}" (${option}${near === undefined ? '' : `; nearest: "${near}"`})`;
  });
  const found = columns.length === 0 ? 'no header line' : columns.map((name) => `"${name}"`).join(', ');
  const advice = columns.length === 1 ? oneColumn(columns[0] as string, keys) : adviceFor;
  const message = `expected column ${wanted.join(' and ')} in ${file}:${line}, got ${found}; ${advice}`;
  return new CrosscheckError('CROSSCHECK_DATA_MISSING_COLUMN', message);
}

const adviceFor = 'set the key to the name of the right column';

/** A delimiter that is not one of the usual ones leaves the header in one piece. */
function oneColumn(header: string, keys: string): string {
  if (/^[[{]/.test(header)) return 'this looks like JSON: one object per line is read from a file named .jsonl';
  const other = /[^\w\s.-]/.exec(header)?.[0];
  const known = other === undefined ? '' : `, such as ${keys}delimiter="${other}"`;
  return `the header was found to be one cell: if another character separates the cells, name it with ${keys}delimiter${known}`;
}

/** What is wrong with a row's shape, or null. */
export function describeShape(
  { cells, problem }: { cells: readonly string[]; problem?: string },
  columns: number,
): string | null {
  if (problem !== undefined) return problem;
  if (cells.length === columns) return null;
  return `expected ${columns} cells as in the header, got ${cells.length} (a comma in unquoted text?)`;
}
