import { CrosscheckError } from '@crosscheck/contract';
import { type ObjectStore, openStore } from '@crosscheck/storage';
import type { DvcConfig } from './dvc-config.ts';

const readable = /^(\/|file:\/\/|https?:\/\/|s3:\/\/)/;

/**
 * Opens a remote of DVC's config: a folder, http(s) or S3, with the options that DVC knows for them.
 *
 * @param name null = the default one
 * @throws CROSSCHECK_DVC_NO_REMOTE, CROSSCHECK_DVC_REMOTE_UNSUPPORTED
 */
export function openRemote({ remotes, defaultRemote }: DvcConfig, name: string | null): ObjectStore {
  const wanted = name ?? defaultRemote;
  const options = wanted === null ? undefined : remotes.get(wanted);
  const url = options?.get('url');
  if (options === undefined || url === undefined) throw noRemote(wanted, [...remotes.keys()]);
  if (!readable.test(url)) {
    const message = `expected a folder, http(s):// or s3:// as url of the remote "${wanted}", got ${url}; \`pip install dvc\` and \`dvc pull\` read the others`;
    throw new CrosscheckError('CROSSCHECK_DVC_REMOTE_UNSUPPORTED', message);
  }
  return openStore(url, url.startsWith('s3://') ? s3Options(options) : { headers: authorization(options) });
}

type Options = ReadonlyMap<string, string>;

function s3Options(options: Options) {
  const [endpoint, region, profile] = ['endpointurl', 'region', 'profile'].map((key) => options.get(key));
  const [accessKeyId, secretAccessKey] = ['access_key_id', 'secret_access_key'].map((key) => options.get(key));
  const sessionToken = options.get('session_token');
  const isAnonymous = options.get('allow_anonymous_login')?.toLowerCase() === 'true';
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(profile && { profile }),
    ...(isAnonymous && { credentials: null }),
    ...(accessKeyId &&
      secretAccessKey && { credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } }),
  };
}

/** `auth = basic` with user and password, `auth = custom` with a header of its own. */
function authorization(options: Options): Record<string, string> {
  const password = options.get('password') ?? '';
  if (options.get('auth') === 'custom') return { [options.get('custom_auth_header') ?? 'authorization']: password };
  const user = options.get('user');
  if (user === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function noRemote(wanted: string | null, known: string[]): CrosscheckError {
  const there =
    known.length === 0 ? 'none is configured' : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  const expected = wanted === null ? 'a default remote' : `a remote "${wanted}" with a url`;
  const message = `expected ${expected} in .dvc/config or .dvc/config.local, ${there}; add it with [core] remote = NAME and ['remote "NAME"'] url = …, or name one with remote=NAME`;
  return new CrosscheckError('CROSSCHECK_DVC_NO_REMOTE', message);
}
