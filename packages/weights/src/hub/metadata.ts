import type { HttpAnswer } from '@crosscheck/http-client';
import { type HubFile, refuse, Unreachable } from './errors.ts';
import { type Retrying, retry, send } from './request.ts';

/** What the Hub says about a file before it is downloaded. */
export interface HubFileMetadata {
  readonly commit: string;
  /** SHA-256 of large files, the git object id of small ones; a file name in the cache either way. */
  readonly etag: string;
  /** In bytes; null when the Hub does not say. */
  readonly size: number | null;
}

const maxRedirects = 5;

export function fileUrl(endpoint: string, { id, revision, file }: HubFile): string {
  return `${endpoint}/${id}/resolve/${encodeURIComponent(revision)}/${file.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * Asks for a file's commit, etag and size. Large files answer with a redirect to another host whose headers already say all of it;
 * redirects within the Hub (renamed repositories) are followed.
 */
export async function fetchMetadata(
  endpoint: string,
  file: HubFile,
  { headers, retrying }: { headers: Record<string, string>; retrying: Retrying },
): Promise<HubFileMetadata> {
  const seen = new Headers();
  let url = fileUrl(endpoint, file);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const call = { url, method: 'HEAD', headers, redirects: 0 };
    const response = await retry(() => send(call), retrying);
    if (response.status >= 400) refuse(response, file);
    for (const [key, value] of describing(response)) seen.set(key, value);
    const location = response.headers.get('location');
    const isComplete = seen.has('x-repo-commit') && seen.has('x-linked-etag');
    if (location === null || isComplete) return asMetadata(seen, url);
    url = followed(url, location);
  }
  throw new Unreachable(`more than ${maxRedirects} redirects from ${fileUrl(endpoint, file)}`);
}

/** A redirect's own etag and length are not the file's. */
function describing({ headers, status }: HttpAnswer): [string, string][] {
  const isFile = status < 300;
  return [...headers].filter(
    ([key]) => key.startsWith('x-') || (isFile && (key === 'etag' || key === 'content-length')),
  );
}

function followed(from: string, location: string): string {
  const target = new URL(location, from);
  if (target.origin === new URL(from).origin) return target.href;
  throw new Unreachable(
    `${from} leads to ${target.origin} without saying which commit and file that is; check HF_ENDPOINT`,
  );
}

function asMetadata(headers: Headers, url: string): HubFileMetadata {
  const commit = headers.get('x-repo-commit') ?? '';
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
  if (!isFileName(commit) || !isFileName(etag)) {
    throw new Unreachable(
      `the answer of ${url} has no usable x-repo-commit and etag, so it is no Hub; check HF_ENDPOINT`,
    );
  }
  const size = headers.get('x-linked-size') ?? headers.get('content-length');
  return { commit, etag, size: size === null ? null : Number(size) };
}

/** Both become names in the cache. */
const isFileName = (text: string): boolean => /^[\w-][\w.-]{0,199}$/.test(text);
