import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MlflowError } from '../errors.ts';
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
  await forEachParallel(files, (file, index) => artifacts.upload(file, paths[index] ?? '', options));
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
  const partial = `${target}.part`;
  try {
    await pipeline(await artifacts.open(artifactPath), createWriteStream(partial));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Downloads everything below an artifact folder into a local one; returns the artifact paths. */
export async function downloadFolder(
  artifacts: ArtifactStore,
  artifactPath: string,
  folder: string,
): Promise<string[]> {
  const base = normaliseArtifactPath(artifactPath);
  const entries = await listRecursively(artifacts, base);
  await forEachParallel(entries, ({ path }) =>
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

async function forEachParallel<T>(items: readonly T[], act: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      await act(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_TRANSFERS, items.length) }, work));
}
