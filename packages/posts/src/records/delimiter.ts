import { parseRecord } from './csv-record.ts';

/** What may stand between the cells of a file, the usual one first. */
const delimiters = [',', '\t', ';', '|'];

/** What separates the cells of a file by its name. */
function usualDelimiter(file: string): string {
  return /\.tsv$/i.test(file) ? '\t' : ',';
}

/**
 * The delimiter that a header was written with: the one that yields most of the wanted names, then the one that yields most cells.
 *
 * @param isWhole whether nothing follows the text
 * @returns null when the header goes on behind the text
 */
export function findDelimiter(
  text: string,
  { file, columns, isWhole }: { file: string; columns: readonly string[]; isWhole: boolean },
): string | null {
  const usual = usualDelimiter(file);
  const headers = [usual, ...delimiters.filter((other) => other !== usual)].map((delimiter) => ({
    delimiter,
    cells: tryParse(text, delimiter, isWhole),
  }));
  if (headers.some(({ cells }) => cells === null)) return null;
  const rank = (cells: readonly string[]) =>
    1000 * columns.filter((name) => cells.includes(name)).length + Math.min(999, cells.length);
  const best = headers.reduce((a, b) => (rank(b.cells as string[]) > rank(a.cells as string[]) ? b : a));
  return best.delimiter;
}

/** The cells of a header, none where quotes do not fit, or null when it goes on behind the text. */
function tryParse(text: string, delimiter: string, isWhole: boolean): string[] | null {
  try {
    const record = parseRecord(text, /^[\r\n]*/.exec(text)?.[0].length ?? 0, delimiter, isWhole);
    return record && record.fields.map((name) => name.trim());
  } catch {
    return [];
  }
}
