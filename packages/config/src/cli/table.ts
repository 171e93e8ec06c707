/** A cell this long does not push the other columns away. */
const widestCell = 44;
/** Where the last column would be narrower, each row takes several lines, as does a row whose cells leave it no room. */
const narrowest = 32;

/** Rows with aligned columns, indented by two, in lines of at most `width` characters where words allow it. */
export function formatTable(rows: readonly string[][], width: number = Number.POSITIVE_INFINITY): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => Math.min(row[column]?.length ?? 0, widestCell))),
  );
  const lines = rows.map((row) => [alignCells(row, widths), row.at(-1) ?? ''] as const);
  const start = 2 + widths.slice(0, -1).reduce((sum, cell) => sum + cell + 2, 0);
  const isNarrow = width - start < narrowest && lines.some(([cells, last]) => cells.length + last.length > width);
  if (isNarrow) return rows.flatMap((row) => stackCells(row, width));
  return lines.flatMap(([cells, last], i) =>
    cells.length > start && cells.length + last.length > width
      ? stackCells(rows[i] as string[], width)
      : wrap(last, { width, first: cells, rest: ' '.repeat(start) }),
  );
}

const alignCells = (row: readonly string[], widths: readonly number[]) =>
  `  ${row
    .slice(0, -1)
    .map((cell, column) => `${cell.padEnd(widths[column] ?? 0)}  `)
    .join('')}`;

/** The meaning under the other cells. */
function stackCells(row: readonly string[], width: number): string[] {
  const head = row.slice(0, -1).filter((cell) => cell !== '');
  const indent = ' '.repeat(6);
  return [
    ...wrap(head.join('  '), { width, first: '  ', rest: indent }),
    ...wrap(row.at(-1) ?? '', { width, first: indent, rest: indent }),
  ].filter((line) => line.trim() !== '');
}

/** Breaks text between words; lines begin with `first`, then `rest`. */
export function wrap(text: string, { width, first = '', rest = '' }: { width: number; first?: string; rest?: string }) {
  if (first.length + text.length <= width) return [`${first}${text}`.trimEnd()];
  const lines = [first];
  for (const word of text.split(/(?<=\S) /)) {
    const line = lines.at(-1) as string;
    const isEmpty = line === first || line === rest;
    const longer = isEmpty ? `${line}${word}` : `${line} ${word}`;
    if (longer.length > width && !isEmpty) lines.push(`${rest}${word}`);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => line.trimEnd());
}
