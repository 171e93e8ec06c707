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
