import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { MlflowError } from '../errors.ts';
import type { HttpRequest, Transport } from '../rest/transport.ts';
import type { ArtifactEntry } from '../types.ts';
import { encodeArtifactPath, joinArtifactPath, normaliseArtifactPath, normaliseFilePath } from './artifact-path.ts';
import type { ArtifactSource, ArtifactStore } from './artifact-store.ts';

const ENDPOINT = '/api/2.0/mlflow-artifacts/artifacts';

/** The server's word for one file or folder. */
export interface WireFile {
  path: string;
  is_dir?: boolean;
  file_size?: number | string;
}

/** Artifacts behind the tracking server: `mlflow-artifacts:/1/<run>/artifacts`. */
export function openProxiedArtifacts(uri: string, transport: Transport): ArtifactStore {
  const root = normaliseArtifactPath(decodeURIComponent(new URL(uri).pathname).replace(/^\/+/, ''));
  const pathOf = (path: string) => `${ENDPOINT}/${encodeArtifactPath(joinArtifactPath(root, path))}`;
  return {
    uri,
    async upload(source, artifactPath, options) {
      const request = {
        method: 'PUT',
        path: pathOf(normaliseFilePath(artifactPath)),
        signal: options?.signal,
      } as const;
      await transport.json({ ...request, ...(await readSource(source)) });
    },
    async open(artifactPath): Promise<Readable> {
      return transport.open({ method: 'GET', path: pathOf(normaliseFilePath(artifactPath)) });
    },
    async list(artifactPath = '') {
      const folder = normaliseArtifactPath(artifactPath);
      const query = { path: joinArtifactPath(root, folder) };
      const { files = [] } = await transport.json<{ files?: WireFile[] }>({ method: 'GET', path: ENDPOINT, query });
      return files.map((file) => parseFile(file, joinArtifactPath(folder, file.path)));
    },
  };
}

export function parseFile(file: WireFile, path: string): ArtifactEntry {
  const isDirectory = file.is_dir === true;
  return { path: normaliseFilePath(path), isDirectory, sizeBytes: isDirectory ? null : Number(file.file_size ?? 0) };
}

/** Body and headers of an upload; a file is opened again for each attempt and never held in memory. */
export async function readSource(source: ArtifactSource): Promise<Pick<HttpRequest, 'body' | 'headers'>> {
  const headers = { 'content-type': 'application/octet-stream' };
  if (source instanceof Uint8Array) return { body: source, headers };
  if (typeof source !== 'string') return { body: source.text, headers };
  const size = await sizeOfFile(source);
  if (size === 0) return { body: '', headers };
  const body = () => createReadStream(source, { end: size - 1 });
  return { body, headers: { ...headers, 'content-length': String(size) } };
}

/** Bytes of a file; a teaching error when there is none. */
export async function sizeOfFile(path: string): Promise<number> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile()) return stats.size;
  const got = stats === null ? 'nothing' : 'a folder';
  throw new MlflowError('INVALID_PARAMETER_VALUE', `expected a file to upload at ${path}, found ${got}`);
}
