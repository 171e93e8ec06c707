import { CrosscheckError } from '@crosscheck/contract';
import { nearest } from '../nearest.ts';

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

/** Finds the columns, or says which are missing, which exist and which comes nearest. */
export function findColumns(
  columns: readonly string[],
  names: ColumnNames,
  where: { file: string; line: number; labelRequired: boolean },
): ColumnPositions {
  const roles = (['text', 'image', 'label'] as const).filter((role) => role !== 'label' || where.labelRequired);
  const missing = roles.filter((role) => !columns.includes(names[role]));
  if (missing.length > 0) throw missingColumns(columns, names, { ...where, missing });
  return {
    text: columns.indexOf(names.text),
    image: columns.indexOf(names.image),
    label: columns.indexOf(names.label),
  };
}

function missingColumns(
  columns: readonly string[],
  names: ColumnNames,
  where: { file: string; line: number; missing: (keyof ColumnNames)[] },
): CrosscheckError {
  const wanted = where.missing.map((role) => {
    const near = nearest(names[role], columns);
    return `"${names[role]}" (data.${role}_column${near === undefined ? '' : `; nearest: "${near}"`})`;
  });
  const message =
    `expected column ${wanted.join(' and ')} in ${where.file}:${where.line}, got ${columns.map((name) => `"${name}"`).join(', ')}; ` +
    'rename the column or set the key to its name';
  return new CrosscheckError('CROSSCHECK_DATA_MISSING_COLUMN', message);
}
