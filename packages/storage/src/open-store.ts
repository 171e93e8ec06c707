import { fileURLToPath } from 'node:url';
import { CrosscheckError } from '@crosscheck/contract';
import { FolderStore } from './folder-store.ts';
import { HttpStore } from './http-store.ts';
import { type Credentials, findCredentials } from './s3/credentials.ts';
import { S3Store } from './s3/s3-store.ts';
import { type Patience, usualPatience } from './send.ts';
import type { ObjectStore } from './store.ts';

export interface StoreOptions {
  /** S3: a server other than AWS's own. @default `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` */
  endpoint?: string;
  /** S3. @default `AWS_REGION`, `AWS_DEFAULT_REGION`, us-east-1 */
  region?: string;
  /** S3: null = do not sign. @default where AWS's own tools find them; not signed when there are none */
  credentials?: Credentials | null;
  /** S3: section of the shared credentials file. */
  profile?: string;
  /** S3: in each part of a large object. @default 64 MiB, so that objects may have 640 GB */
  partBytes?: number;
  /** http(s): sent with every request, such as `authorization`. */
  headers?: Record<string, string>;
  patience?: Partial<Patience>;
}

/**
 * Opens the objects at an address; nothing is asked for yet.
 *
 * @param url a folder, `file://…`, `http(s)://…` or `s3://bucket/prefix`
 * @throws CROSSCHECK_STORAGE_BAD_URL
 * @example
 * const store = openStore('s3://posts/2026', { endpoint: 'http://minio:9000' });
 * for (const key of await store.list('')) await readAll(store, key);
 */
export function openStore(url: string, options: StoreOptions = {}): ObjectStore {
  const patience = { ...usualPatience, ...options.patience };
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return new FolderStore(url);
  if (scheme === 'file') return new FolderStore(fileURLToPath(url));
  if (scheme === 'http' || scheme === 'https') return new HttpStore(url, options.headers ?? {}, patience);
  if (scheme === 's3') return openS3(url, options, patience);
  const message = `expected a folder, file://, http(s):// or s3://, got ${url}; ${scheme}:// is not read here`;
  throw new CrosscheckError('CROSSCHECK_STORAGE_BAD_URL', message);
}

const usualPartBytes = 64 * 2 ** 20;

function openS3(url: string, options: StoreOptions, patience: Patience): S3Store {
  const { endpoint, region, credentials, profile, partBytes = usualPartBytes } = options;
  const [bucket = '', ...parts] = url.slice('s3://'.length).split('/');
  if (bucket === '')
    throw new CrosscheckError('CROSSCHECK_STORAGE_BAD_URL', `expected s3://bucket/prefix, got ${url} without a bucket`);
  const { env } = process;
  const address = {
    bucket,
    prefix: parts.filter(Boolean).join('/'),
    region: region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1',
    endpoint: endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? null,
    credentials: async () => (credentials === undefined ? findCredentials(profile ?? null) : credentials),
    partBytes,
  };
  return new S3Store(address, patience);
}
