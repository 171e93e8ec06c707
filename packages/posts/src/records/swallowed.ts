import type { ParsedRecord } from './csv-record.ts';

const imageEnding = /\.(jpe?g|png|webp|gif|avif|tiff?|bmp|heic)$/i;
const labelWord = /^([01](\.0+)?|real|fake|true|false)$/i;
/** A file has few words for labels; a column that has more holds something else. */
const maxWords = 64;

/**
 * Looks for a quote that takes rows below it into its cell and happens to be closed by a quote of theirs: some line of such a cell is a whole row, with
 * as many cells as the header has names, an image's name where images stand, and a label where labels stand: a usual one, or a word that is the
 * label of this record or of one before.
 *
 * @param columns names of the text, image and label columns; without the middle one nothing is looked for
 * @returns for a record, the position at which such a quote opens, or null
 */
export function createSwallowCheck(
  header: readonly string[],
  [, image, label]: readonly string[],
  delimiter: string,
): (record: ParsedRecord) => number | null {
  const names = header.map((name) => name.trim());
  const [imageAt, labelAt] = [names.indexOf(image ?? ''), names.indexOf(label ?? '')];
  const words = new Set<string>();
  const isLabel = (cell: string) => labelWord.test(cell) || words.has(cell);
  const isRow = (cells: readonly string[], own: readonly string[]) => {
    if (cells.length !== names.length) return false;
    const image = unquote(cells[imageAt] ?? '');
    const hasLabel = labelAt >= 0 && isLabel(unquote(cells[labelAt] ?? ''));
    if (imageEnding.test(image)) return labelAt < 0 || hasLabel;
    // Names without an ending stand in files where all are like that.
    return hasLabel && /^\S+$/.test(image) && !imageEnding.test(unquote(own[imageAt] ?? ''));
  };
  return ({ fields, quotes }) => {
    if (imageAt < 0) return null;
    const word = unquote(fields[labelAt] ?? '');
    if (word !== '' && words.size < maxWords) words.add(word);
    for (const [position, value] of fields.entries()) {
      if (quotes[position] === -1 || !/[\r\n]/.test(value)) continue;
      const [first = '', ...others] = value.split(/\r\n|\n|\r/);
      // The first line goes on the record that the cell stands in; the last one is cut by the quote that closes.
      const begun = [...fields.slice(0, position), ...first.split(delimiter)];
      const rows = [
        ...(imageAt >= position ? [begun] : []),
        ...others.slice(0, -1).map((line) => line.split(delimiter)),
      ];
      if (rows.some((row) => isRow(row, fields))) return quotes[position] as number;
    }
    return null;
  };
}

const unquote = (cell: string) => cell.trim().replace(/^"(.*)"$/, '$1');
