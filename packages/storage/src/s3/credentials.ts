import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { homeFolder } from '@crosscheck/files';
import { fetchWhole } from '@crosscheck/http-client';
import { type Ini, parseIni } from '../ini.ts';

/** What signs requests to S3. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

type Environment = Record<string, string | undefined>;

/**
 * Looks where AWS's own tools look: the environment, the credentials that a container is given, then the shared file
 * (`AWS_SHARED_CREDENTIALS_FILE`, `~/.aws/credentials`) with the profile of `AWS_PROFILE`.
 *
 * @returns null where there are none: then requests are not signed, and only public buckets answer
 */
export async function findCredentials(
  profile: string | null = null,
  env: Environment = process.env,
): Promise<Credentials | null> {
  if (profile === null) {
    const given = fromNames((name) => env[name.toUpperCase()]) ?? (await fromContainer(env));
    if (given) return given;
  }
  const section = (await readShared(env)).get(profile ?? env.AWS_PROFILE ?? 'default');
  return section ? fromNames((name) => section.get(name)) : null;
}

function fromNames(read: (name: string) => string | undefined): Credentials | null {
  const [accessKeyId, secretAccessKey] = [read('aws_access_key_id'), read('aws_secret_access_key')];
  if (!accessKeyId || !secretAccessKey) return null;
  const sessionToken = read('aws_session_token');
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

/** EKS Pod Identity and ECS hand credentials out over a local address. */
async function fromContainer(env: Environment): Promise<Credentials | null> {
  const url = env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!url) return null;
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? (await readFile(file, 'utf8')).trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const response = await fetchWhole(url, { headers: token ? { authorization: token } : {} });
  if (!response.ok) return null;
  const { AccessKeyId, SecretAccessKey, Token } = (await response.json()) as Record<string, string>;
  const names: Record<string, string | undefined> = {
    aws_access_key_id: AccessKeyId,
    aws_secret_access_key: SecretAccessKey,
    aws_session_token: Token,
  };
  return fromNames((name) => names[name]);
}

async function readShared(env: Environment): Promise<Ini> {
  const file = env.AWS_SHARED_CREDENTIALS_FILE ?? path.join(homeFolder(env) ?? '/', '.aws/credentials');
  return parseIni(await readFile(file, 'utf8').catch(() => ''));
}
