import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';
import type { HttpAnswer } from '@crosscheck/http-client';

/** One file of a repository on the Hub at a branch, tag or commit. */
export interface HubFile {
  readonly id: string;
  readonly revision: string;
  readonly file: string;
}

/** With the config key that asks for it, where one does. */
type Asked<F> = F & { readonly askedBy?: string | undefined };

const byKey = ({ askedBy }: Asked<object>) => (askedBy === undefined ? '' : ` for ${askedBy}`);
const localPath = ({ askedBy }: Asked<object>) =>
  askedBy === undefined ? 'give a local path' : `set ${askedBy} to a local path`;

/** The Hub answered that it has no such file, while the repository and the revision exist. */
export class MissingEntry extends Error {}

/** The Hub could not be asked, or failed to answer; trying again later may help. */
export class Unreachable extends Error {}

const name = ({ id, revision, file }: HubFile): string => `${id}@${revision}/${file}`;

interface Refusal {
  code: ErrorCode;
  message: (file: HubFile) => string;
}

/** By the `x-error-code` header, which tells more than the status: the Hub answers 401 for a repository that does not exist. */
const refusals: Readonly<Record<string, Refusal>> = {
  RevisionNotFound: {
    code: 'CROSSCHECK_HUB_NOT_FOUND',
    message: ({ id, revision }) => `the Hub has ${id}, but not its revision "${revision}"; check the revision`,
  },
  GatedRepo: {
    code: 'CROSSCHECK_HUB_FORBIDDEN',
    message: ({ id }) => `${id} is gated: accept its terms on its page, then set HF_TOKEN to a token of that account`,
  },
};

/** By the status, where no such header says more. */
const refusedStatus: Readonly<Record<number, Refusal>> = {
  401: {
    code: 'CROSSCHECK_HUB_FORBIDDEN',
    message: ({ id }) =>
      `the Hub gives ${id} to nobody without a valid token: it does not exist or is private. Check the id, or set HF_TOKEN`,
  },
  403: {
    code: 'CROSSCHECK_HUB_FORBIDDEN',
    message: ({ id }) => `the token in HF_TOKEN may not read ${id}; use one of an account that may`,
  },
  404: {
    code: 'CROSSCHECK_HUB_NOT_FOUND',
    message: ({ id }) => `the Hub has no repository ${id}; check the id`,
  },
};

/** Throws what an answer without the file means. */
export function refuse(response: HttpAnswer, file: HubFile): never {
  const header = response.headers.get('x-error-code') ?? '';
  const isEntryMissing = response.status === 404 && (header === 'EntryNotFound' || header === '');
  if (isEntryMissing) throw new MissingEntry(`the Hub has no ${name(file)}`);
  const refusal = Object.hasOwn(refusals, header) ? refusals[header] : refusedStatus[response.status];
  const status = `${response.status}${header && ` ${header}`} from ${response.url}`;
  if (refusal) throw new CrosscheckError(refusal.code, `${refusal.message(file)} (${status})`);
  throw new Unreachable(`unexpected answer ${status}`);
}

export function offline(
  file: Asked<Omit<HubFile, 'file'>>,
  files: readonly string[],
  cacheDir: string,
): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_HUB_OFFLINE',
    `HF_HUB_OFFLINE is set and ${cacheDir} holds no ${files.join(' or ')} of ${file.id}@${file.revision}${byKey(file)}; ` +
      `run once with the network on, or ${localPath(file)}`,
  );
}

export function unreachable(file: Asked<HubFile>, endpoint: string, cause: Error): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_HUB_UNREACHABLE',
    `could not get ${name(file)}${byKey(file)} from ${endpoint}: ${cause.message}. Check the network and HF_ENDPOINT ` +
      `(behind a proxy set HTTPS_PROXY), or ${localPath(file)}`,
    { cause },
  );
}

export function noneFound(
  file: Asked<Omit<HubFile, 'file'>>,
  files: readonly string[],
  endpoint: string,
): CrosscheckError {
  const message = `${file.id}@${file.revision}${byKey(file)} at ${endpoint} has none of ${files.join(', ')}; check the id and the revision`;
  return new CrosscheckError('CROSSCHECK_HUB_NOT_FOUND', message);
}

export function cacheUnwritable(cacheDir: string, cause: Error): CrosscheckError {
  const message = `could not keep a download in ${cacheDir}: ${cause.message}. Free space, or set HF_HOME to a folder that can be written`;
  return new CrosscheckError('CROSSCHECK_HUB_CACHE_UNWRITABLE', message, { cause });
}

export function corruptDownload(file: HubFile, problem: string): CrosscheckError {
  const message = `the download of ${name(file)} is damaged: ${problem}; it was removed, run the command again`;
  return new CrosscheckError('CROSSCHECK_HUB_CORRUPT', message);
}
