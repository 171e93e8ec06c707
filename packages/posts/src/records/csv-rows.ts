import type { DecodedPiece } from '../text/decode-file.ts';
import { countLineBreaks } from '../text/line-breaks.ts';
import { type ParsedRecord, parseRecord, QuoteError } from './csv-record.ts';
import { findDelimiter } from './delimiter.ts';
import { brokenCsv, type FileRow, maxRecordCharacters, type ReadingOptions } from './file-row.ts';
import { parseDelimiter } from './parse-delimiter.ts';
import { createSwallowCheck } from './swallowed.ts';

/** Where a parser stands in a file. */
interface Place {
  file: string;
  /** Line on which the next record begins. */
  line: number;
  /** What is read and not parsed yet. */
  text: string;
  /** Where the next record begins in it. */
  start: number;
}

/** Streams the records of separated values, header first, blank lines left out. */
export async function* csvRows(
  file: string,
  pieces: AsyncIterable<DecodedPiece>,
  options: ReadingOptions,
): AsyncGenerator<FileRow> {
  const { columns = [] } = options;
  const place: Place = { file, line: 1, text: '', start: 0 };
  let delimiter = options.delimiter == null ? null : parseDelimiter(options.delimiter);
  let check: ReturnType<typeof createSwallowCheck> | null = null;
  for await (const { text, bytes, isLast } of withEnd(pieces)) {
    place.text = place.text.slice(place.start) + text;
    place.start = 0;
    if (check === null)
      delimiter ??= takeDelimiterLine(place) ?? findDelimiter(place.text, { file, columns, isWhole: isLast });
    if (delimiter === null && place.text.length <= maxRecordCharacters) continue;
    for (const { record, line } of recordsOf(place, delimiter ?? ',', isLast)) {
      check ??= createSwallowCheck(record.fields, columns, delimiter ?? ',');
      const quote = check(record);
      if (quote !== null) throw swallowed({ ...place, line, start: record.start }, quote);
      yield { cells: record.fields, line, bytes };
    }
  }
}

async function* withEnd(pieces: AsyncIterable<DecodedPiece>): AsyncGenerator<DecodedPiece & { isLast: boolean }> {
  let bytes = 0;
  for await (const piece of pieces) {
    ({ bytes } = piece);
    yield { ...piece, isLast: false };
  }
  yield { text: '', bytes, isLast: true };
}

/** A spreadsheet's own way of naming the delimiter: `sep=;` in a line before the header. Takes the line off. */
function takeDelimiterLine(place: Place): string | null {
  const [line = '', delimiter = null] = /^sep=(.)(?:\r\n|\n|\r(?!$))/i.exec(place.text) ?? [];
  if (delimiter === null) return null;
  place.start += line.length;
  place.line++;
  place.text = place.text.slice(place.start);
  place.start = 0;
  return delimiter;
}

/** The records that end in the text, blank lines left out; the place moves behind them. */
function* recordsOf(
  place: Place,
  delimiter: string,
  isLast: boolean,
): Generator<{ record: ParsedRecord; line: number }> {
  while (place.start < place.text.length) {
    const record = parse(place, delimiter, isLast);
    if ((record?.end ?? place.text.length) - place.start > maxRecordCharacters) throw tooLong(place);
    if (record === null) return;
    const { line } = place;
    const isBlank = record.fields.length === 1 && record.fields[0] === '';
    if (!isBlank) yield { record, line };
    place.line += countLineBreaks(place.text.slice(place.start, record.end));
    place.start = record.end;
  }
}

function parse(place: Place, delimiter: string, isLast: boolean): ParsedRecord | null {
  try {
    return parseRecord(place.text, place.start, delimiter, isLast);
  } catch (error) {
    if (!(error instanceof QuoteError)) throw error;
    throw badQuote(place, error);
  }
}

const lineOf = ({ line, text, start }: Place, position: number) => line + countLineBreaks(text.slice(start, position));

const remedy = 'close it, and double the quotes inside quoted text ("")';

function badQuote(place: Place, { opens, closes }: QuoteError) {
  const line = lineOf(place, opens);
  if (closes < 0) return unreadable(place, `it opens a quote that is never closed, in line ${line}; ${remedy}`);
  const found = JSON.stringify(place.text.slice(closes, closes + 12).split(/[\r\n]/)[0]);
  const ends = `ends in line ${lineOf(place, closes)} before ${found}, where a delimiter or a line end should stand`;
  return unreadable(place, `the quote that opens in line ${line} ${ends}; ${remedy}`);
}

function swallowed(place: Place, quote: number) {
  const what = `the quote that opens in line ${lineOf(place, quote)} takes whole rows below it into one cell`;
  return unreadable(place, `${what}; ${remedy}`);
}

function tooLong(place: Place) {
  const isQuoted = place.text[place.start] === '"';
  const why = isQuoted ? `; it begins with a quote that is probably never closed: ${remedy}` : '';
  return unreadable(place, `it is longer than ${maxRecordCharacters} characters${why}`);
}

const unreadable = ({ file, line }: Place, why: string) =>
  brokenCsv(`the record that begins at ${file}:${line} cannot be read: ${why}`);
