import { constants, createReadStream, type Stats } from 'node:fs';
import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MlflowError } from '../errors.ts';
import { replaceFile } from '../transfers.ts';
import type { ArtifactEntry } from '../types.ts';
import { joinArtifactPath, normaliseArtifactPath, normaliseFilePath } from './artifact-path.ts';
import type { ArtifactSource, ArtifactStore } from './artifact-store.ts';

/** Artifacts in a folder of this machine, e.g. `file:///home/me/mlruns/1/<run>/artifacts`. */
export function openLocalArtifacts(uri: string): ArtifactStore {
  const root = uri.startsWith('file:') ? fileURLToPath(uri) : uri;
  return {
    uri,
    async upload(source, artifactPath) {
      const target = join(root, normaliseFilePath(artifactPath));
      await mkdir(dirname(target), { recursive: true });
      await replaceFile(target, (partial) => writeSource(source, partial));
    },
    async open(artifactPath) {
      const path = join(root, normaliseFilePath(artifactPath));
      if ((await statOrNull(path))?.isFile()) return createReadStream(path);
      throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `no artifact "${artifactPath}" in ${uri}`);
    },
    list: (artifactPath = '') => listFolder(root, normaliseArtifactPath(artifactPath)),
  };
}

async function writeSource(source: ArtifactSource, partial: string): Promise<void> {
  if (typeof source === 'string') await copyFile(source, partial, constants.COPYFILE_FICLONE);
  else await writeFile(partial, source instanceof Uint8Array ? source : source.text);
}

async function listFolder(root: string, folder: string): Promise<ArtifactEntry[]> {
  const stats = await statOrNull(join(root, folder));
  if (!stats?.isDirectory()) return [];
  const names = (await readdir(join(root, folder))).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const entry = await stat(join(root, folder, name));
      const isDirectory = entry.isDirectory();
      return { path: joinArtifactPath(folder, name), isDirectory, sizeBytes: isDirectory ? null : entry.size };
    }),
  );
}

async function statOrNull(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}
