import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { homeFolder, sharedCacheFolder } from '@crosscheck/files';

/** Where the Hub is and where its files are kept, by the variables that Hugging Face's own libraries read. */
export interface HubEnvironment {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly cacheDir: string;
  readonly tokenFile: string;
  readonly token: string | null;
  readonly isOffline: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

const isTrue = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '');

/** @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
export function hubEnvironment(variables: Variables): HubEnvironment {
  const home = homePath(variables['HF_HOME'] || path.join(sharedCacheFolder(variables), 'huggingface'));
  const cacheDir = variables['HF_HUB_CACHE'] || variables['HUGGINGFACE_HUB_CACHE'] || path.join(home, 'hub');
  return {
    endpoint: (variables['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    cacheDir: homePath(cacheDir),
    tokenFile: homePath(variables['HF_TOKEN_PATH'] || path.join(home, 'token')),
    token: variables['HF_TOKEN'] || variables['HUGGING_FACE_HUB_TOKEN'] || null,
    isOffline: isTrue(variables['HF_HUB_OFFLINE']) || isTrue(variables['TRANSFORMERS_OFFLINE']),
  };
}

/** The token of the environment, else the one that `hf auth login` stored, else null. */
export async function readToken({ token, tokenFile }: HubEnvironment): Promise<string | null> {
  const text = token ?? (await readFile(tokenFile, 'utf8').catch(() => ''));
  return text.trim() || null;
}

function homePath(name: string): string {
  return path.resolve(name.replace(/^~(?=\/|$)/, homeFolder() ?? '~'));
}
