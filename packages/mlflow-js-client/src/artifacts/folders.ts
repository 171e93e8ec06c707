import { createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MlflowError } from '../errors.ts';
import { forEachConcurrently, replaceFile } from '../transfers.ts';
import type { ArtifactEntry, CallOptions } from '../types.ts';
import { joinArtifactPath, normaliseArtifactPath } from './artifact-path.ts';
import type { ArtifactStore } from './artifact-store.ts';

const PARALLEL_TRANSFERS = 4;

/** Uploads every file below a folder; returns their artifact paths. */
export async function uploadFolder(
  artifacts: ArtifactStore,
  folder: string,
  artifactPath: string = '',
  options?: CallOptions,
): Promise<string[]> {
  const base = normaliseArtifactPath(artifactPath);
  const files = await walkFolder(folder);
  const paths = files.map((file) => joinArtifactPath(base, relative(folder, file).split(sep).join('/')));
  await forEachConcurrently(files, PARALLEL_TRANSFERS, (file, index) =>
    artifacts.upload(file, paths[index] ?? '', options),
  );
  return paths;
}

/** Every file below an artifact folder, depth first. */
export async function listRecursively(artifacts: ArtifactStore, artifactPath: string = ''): Promise<ArtifactEntry[]> {
  const entries = await artifacts.list(artifactPath);
  const nested = await Promise.all(
    entries.map(async (entry) => (entry.isDirectory ? listRecursively(artifacts, entry.path) : [entry])),
  );
  return nested.flat();
}

/** Downloads one file; the target appears only when it is whole. */
export async function downloadFile(artifacts: ArtifactStore, artifactPath: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await replaceFile(target, async (partial) =>
    pipeline(await artifacts.open(artifactPath), createWriteStream(partial)),
  );
}

/** Downloads everything below an artifact folder into a local one; returns the artifact paths. */
export async function downloadFolder(
  artifacts: ArtifactStore,
  artifactPath: string,
  folder: string,
): Promise<string[]> {
  const base = normaliseArtifactPath(artifactPath);
  const entries = await listRecursively(artifacts, base);
  await forEachConcurrently(entries, PARALLEL_TRANSFERS, ({ path }) =>
    downloadFile(artifacts, path, join(folder, base === '' ? path : path.slice(base.length + 1))),
  );
  return entries.map(({ path }) => path);
}

async function walkFolder(folder: string): Promise<string[]> {
  const stats = await stat(folder).catch(() => null);
  if (!stats?.isDirectory())
    throw new MlflowError('INVALID_PARAMETER_VALUE', `expected a folder to upload at ${folder}, found none`);
  const names = (await readdir(folder)).toSorted();
  const nested = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return (await stat(path)).isDirectory() ? walkFolder(path) : [path];
    }),
  );
  return nested.flat();
}
