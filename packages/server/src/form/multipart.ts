import { CrosscheckError } from '@crosscheck/contract';

/** A header value such as `form-data; name="image"; filename="a.jpg"`. */
export interface HeaderValue {
  /** Lower case. */
  value: string;
  /** Names in lower case; the first of a repeated name counts. */
  parameters: Map<string, string>;
}

const parameter = /;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;

/** Takes a header value apart: RFC 9110 section 5.6.6, with the backslash escapes that browsers and curl use in file names. */
export function parseHeaderValue(text: string): HeaderValue {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token] of text.matchAll(parameter)) {
    const key = name.toLowerCase();
    const value = quoted === undefined ? (token ?? '') : quoted.replaceAll(/\\(["\\])/g, '$1');
    if (!parameters.has(key)) parameters.set(key, value);
  }
  const [value = ''] = text.split(';', 1);
  return { value: value.trim().toLowerCase(), parameters };
}

/** `filename*=UTF-8''%e2%82%ac.jpg` (RFC 5987), which some clients send beside `filename`; null when it is not that. */
export function decodeExtendedValue(text: string | undefined): string | null {
  const encoded = text?.match(/^utf-8'[^']*'(.*)$/i)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** One part of a multipart/form-data body. */
export interface FormPart {
  name: string;
  /** As the client sent it: to be shown, never to be opened. Null when the part is a plain field. */
  filename: string | null;
  charset: string;
  /** A view into the body. */
  bytes: Buffer;
}

const maxHeaderBytes = 8192;
const lineEnd = '\r\n';

/**
 * Takes a whole multipart/form-data body apart (RFC 7578, RFC 2046 section 5.1). The body is in memory already, so that nothing is copied
 * and the reason for a refusal is always known.
 *
 * @param contentType of the request, with the boundary
 * @throws CROSSCHECK_SERVER_FORM_BROKEN
 */
export function parseMultipart(body: Buffer, contentType: string, maxParts: number): FormPart[] {
  const delimiter = `${lineEnd}--${readBoundary(contentType)}`;
  const parts: FormPart[] = [];
  let position = findFirst(body, delimiter);
  while (!body.subarray(position, position + 2).equals(closing)) {
    if (parts.length === maxParts) throw broken(`more than ${maxParts} parts`);
    const start = skipLine(body, position);
    const end = body.indexOf(delimiter, start - lineEnd.length);
    if (end < 0)
      throw broken(
        `a body of ${body.length} bytes without the closing boundary "${delimiter.trim()}--"; it was cut short`,
      );
    parts.push(readPart(body, start, end));
    position = end + delimiter.length;
  }
  return parts;
}

const closing = Buffer.from('--');

function broken(got: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_SERVER_FORM_BROKEN',
    `expected a complete multipart/form-data body, got ${got}`,
  );
}

function readBoundary(contentType: string): string {
  const boundary = parseHeaderValue(contentType).parameters.get('boundary') ?? '';
  if (/^[\x21-\x7e ]{0,69}[\x21-\x7e]$/.test(boundary)) return boundary;
  throw broken('a Content-Type header without a boundary of 1 to 70 characters; let the HTTP client set this header');
}

/** Position behind the first delimiter. What stands before it is a preamble that nobody reads. */
function findFirst(body: Buffer, delimiter: string): number {
  const dashBoundary = delimiter.slice(lineEnd.length);
  if (body.indexOf(dashBoundary) === 0) return dashBoundary.length;
  const found = body.indexOf(delimiter);
  if (found >= 0) return found + delimiter.length;
  throw broken(body.length === 0 ? 'an empty body' : `${body.length} bytes without the boundary "${dashBoundary}"`);
}

/** Position of the part's first header, behind the delimiter's line. */
function skipLine(body: Buffer, position: number): number {
  const end = body.indexOf(lineEnd, position);
  const padding = end < 0 ? 'x' : body.toString('latin1', position, Math.min(end, position + 80));
  if (/^[ \t]*$/.test(padding)) return end + lineEnd.length;
  throw broken('a boundary that does not end its line; lines end with CR LF');
}

function readPart(body: Buffer, start: number, end: number): FormPart {
  // A part without headers begins with the empty line itself.
  const headEnd = body.indexOf(`${lineEnd}${lineEnd}`, start - lineEnd.length);
  if (headEnd < 0 || headEnd > end) throw broken('a part whose headers do not end; an empty line must follow them');
  if (headEnd - start > maxHeaderBytes) throw broken(`a part with more than ${maxHeaderBytes} bytes of headers`);
  const headers = readHeaders(body.toString('utf8', start, Math.max(start, headEnd)));
  const { value, parameters } = parseHeaderValue(headers.get('content-disposition') ?? '');
  const name = parameters.get('name');
  if (value !== 'form-data' || name === undefined)
    throw broken('a part without a header Content-Disposition: form-data; name="…"');
  return {
    name,
    filename: decodeExtendedValue(parameters.get('filename*')) ?? parameters.get('filename') ?? null,
    charset: parseHeaderValue(headers.get('content-type') ?? '').parameters.get('charset') ?? 'utf-8',
    bytes: body.subarray(headEnd + 2 * lineEnd.length, Math.max(headEnd + 2 * lineEnd.length, end)),
  };
}

function readHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split(lineEnd)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/**
 * Reads the form that HTTP clients send when it has no file. No picture can be in it, so its only use is to say which field is missing.
 */
export function parseUrlencoded(body: Buffer): FormPart[] {
  return Array.from(new URLSearchParams(body.toString('latin1')), ([name, value]) => ({
    name,
    filename: null,
    charset: 'utf-8',
    bytes: Buffer.from(value),
  }));
}
