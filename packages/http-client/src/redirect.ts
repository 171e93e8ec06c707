import { withoutPassword } from './errors.ts';

/** What another origin may see of a request: everything else, of whatever name, may be a secret. */
const harmless = new Set(['accept', 'accept-encoding', 'if-range', 'range', 'user-agent']);

const redirecting = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => redirecting.has(status);

export function headersFor(target: URL, from: URL, headers: Record<string, string>): Record<string, string> {
  if (target.origin === from.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name.toLowerCase())));
}

/** An http(s) address without user and password. */
export function parseAddress(text: string | URL, base?: URL): URL {
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`expected http:// or https://, got ${url.protocol}//…`);
  if (url.username || url.password)
    throw new Error(
      `expected an address without user and password, got ${withoutPassword(url)} with one; use a header`,
    );
  return url;
}
