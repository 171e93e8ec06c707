/** One record in a text, and where the next begins. */
export interface ParsedRecord {
  fields: string[];
  start: number;
  end: number;
  /** Positions in the text at which quoted fields open, by field; -1 for a field without quotes. */
  quotes: number[];
}

/** Where a quote stands that spoils the rest of the file. No library tells where it opens. */
export class QuoteError extends Error {
  /** Position at which the quote opens. */
  readonly opens: number;
  /** Position behind the quote that should have closed it; -1 when none follows. */
  readonly closes: number;

  constructor(opens: number, closes: number) {
    super('a quote is not closed');
    this.opens = opens;
    this.closes = closes;
  }
}

/**
 * Parses the record that begins at `start`, as RFC 4180 has it: a field that begins with a quote ends with one, doubled quotes stand for one, and
 * behind the closing quote comes a delimiter or a line end of any kind. Quotes inside a field that begins without one are letters.
 *
 * @param isWhole whether nothing follows the text
 * @returns null when the record goes on behind the text
 * @throws QuoteError
 */
export function parseRecord(text: string, start: number, delimiter: string, isWhole: boolean): ParsedRecord | null {
  const record: ParsedRecord = { fields: [], start, end: start, quotes: [] };
  for (let at = start; ; at++) {
    const isQuoted = text[at] === '"';
    const field = isQuoted ? quotedField(text, at, isWhole) : plainField(text, at, delimiter);
    if (field === null || (field.end >= text.length && !isWhole)) return null;
    record.fields.push(field.value);
    record.quotes.push(isQuoted ? at : -1);
    if (text[field.end] !== delimiter) return endRecord(record, text, field.end, isWhole);
    at = field.end;
  }
}

/** Behind the last field comes a line end of any kind, or nothing. */
function endRecord(record: ParsedRecord, text: string, at: number, isWhole: boolean): ParsedRecord | null {
  const next = text[at];
  if (next === '\r' && at + 1 >= text.length && !isWhole) return null;
  if (next !== undefined && next !== '\n' && next !== '\r') throw new QuoteError(record.quotes.at(-1) as number, at);
  const length = next === '\r' && text[at + 1] === '\n' ? 2 : 1;
  return { ...record, end: Math.min(text.length, at + length) };
}

interface Field {
  value: string;
  end: number;
}

function plainField(text: string, start: number, delimiter: string): Field {
  const separator = delimiter.charCodeAt(0);
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === separator || code === 10 || code === 13) break;
  }
  return { value: text.slice(start, end), end };
}

function quotedField(text: string, opens: number, isWhole: boolean): Field | null {
  let value = '';
  for (let at = opens + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0 && isWhole) throw new QuoteError(opens, -1);
    if (quote < 0 || (quote + 1 >= text.length && !isWhole)) return null;
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
