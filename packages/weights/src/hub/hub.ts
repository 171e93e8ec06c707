import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { isSystemError } from '../atomic-file.ts';
import { addToSnapshot, blobPath, exists, findCached, repositoryFolder } from './cache.ts';
import { type DownloadProgress, download } from './download.ts';
import { type HubEnvironment, hubEnvironment, readToken } from './environment.ts';
import { cacheUnwritable, type HubFile, MissingEntry, noneFound, offline, Unreachable, unreachable } from './errors.ts';
import { withLock } from './lock.ts';
import { fetchMetadata, fileUrl, type HubFileMetadata } from './metadata.ts';
import { patient, type Retrying } from './request.ts';

export interface HubOptions {
  /** Branch, tag or commit; null means `main`. */
  readonly revision?: string | null;
  /** The config key that names the repository, for messages. */
  readonly askedBy?: string;
  /** Called for every piece that arrives. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Environment variables; the process's own by default. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly retrying?: Retrying;
}

interface Session {
  readonly hub: HubEnvironment;
  readonly folder: string;
  readonly askedBy: string | undefined;
  readonly headers: Record<string, string>;
  readonly retrying: Retrying;
  readonly onProgress: (progress: DownloadProgress) => void;
}

const commitPattern = /^[0-9a-f]{40}$/;

/**
 * Gets the first of some files that a Hub repository has, from the cache that Hugging Face's own libraries use, or by download.
 * Honours HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. An interrupted download is continued, a large file's
 * SHA-256 is checked, and a Hub that cannot be reached does not matter when the file is cached.
 *
 * @param id `organisation/name`, or a bare name such as `distilbert-base-uncased`
 * @param files names in the repository, best first
 * @returns path of the file in the cache's snapshot
 * @throws CROSSCHECK_HUB_OFFLINE CROSSCHECK_HUB_UNREACHABLE CROSSCHECK_HUB_FORBIDDEN CROSSCHECK_HUB_NOT_FOUND CROSSCHECK_HUB_CORRUPT
 */
export async function downloadFromHub(id: string, files: readonly string[], options: HubOptions = {}): Promise<string> {
  const revision = options.revision ?? 'main';
  checkNames(id, [revision, ...files]);
  const session = await openSession(id, options);
  for (const file of files) {
    const found = await findFile(session, { id, revision, file });
    if (found !== null) return found;
  }
  const { isOffline, cacheDir, endpoint } = session.hub;
  throw isOffline
    ? offline({ id, revision, askedBy: options.askedBy }, files, cacheDir)
    : noneFound({ id, revision, askedBy: options.askedBy }, files, endpoint);
}

async function openSession(id: string, options: HubOptions): Promise<Session> {
  const hub = hubEnvironment(options.variables ?? process.env);
  const token = hub.isOffline ? null : await readToken(hub);
  return {
    hub,
    folder: repositoryFolder(hub.cacheDir, id),
    askedBy: options.askedBy,
    headers: {
      'accept-encoding': 'identity',
      'user-agent': 'crosscheck',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    retrying: options.retrying ?? patient,
    onProgress: options.onProgress ?? (() => undefined),
  };
}

/** The file's path, or null when the repository lacks it (or, offline, the cache). */
async function findFile(session: Session, file: HubFile): Promise<string | null> {
  const cached = await findCached(session.folder, file);
  if (session.hub.isOffline || (cached !== null && commitPattern.test(file.revision))) return cached;
  try {
    return await fetchFile(session, file, cached !== null);
  } catch (error) {
    if (error instanceof MissingEntry) return null;
    if (isSystemError(error)) throw cacheUnwritable(session.hub.cacheDir, error);
    if (!(error instanceof Unreachable)) throw error;
    if (cached !== null) return cached;
    throw unreachable({ ...file, askedBy: session.askedBy }, session.hub.endpoint, error);
  }
}

async function fetchFile(session: Session, file: HubFile, isCached: boolean): Promise<string> {
  const retrying = isCached ? { ...session.retrying, attempts: 1 } : session.retrying;
  const metadata = await fetchMetadata(session.hub.endpoint, file, { headers: session.headers, retrying });
  const blob = blobPath(session.folder, metadata.etag);
  await mkdir(path.dirname(blob), { recursive: true });
  if (!(await exists(blob))) await withLock(`${blob}.lock`, () => downloadOnce(blob, session, { file, metadata }));
  return addToSnapshot(session.folder, { ...file, ...metadata });
}

async function downloadOnce(
  blob: string,
  { hub, headers, retrying, onProgress }: Session,
  { file, metadata }: { file: HubFile; metadata: HubFileMetadata },
): Promise<void> {
  if (await exists(blob)) return; // another process had the lock before
  const url = fileUrl(hub.endpoint, { ...file, revision: metadata.commit });
  await download(blob, { url, file, metadata, headers, retrying, onProgress });
}

/** Whether a text has the form of a repository's id on the Hub. */
export function isHubId(text: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(text) && !/--|\.\./.test(text);
}

/** Ids, revisions and file names become paths in the cache. */
function checkNames(id: string, paths: readonly string[]): void {
  const bad = paths.find((name) => !/^[\w.+-]+(\/[\w.+-]+)*$/.test(name) || name.split('/').includes('..'));
  if (isHubId(id) && bad === undefined) return;
  const message = isHubId(id)
    ? `"${bad}" is no revision or file name of a repository`
    : `"${id}" is no id of the form organisation/name`;
  throw new CrosscheckError('CROSSCHECK_HUB_NOT_FOUND', `${message}; check it`);
}
