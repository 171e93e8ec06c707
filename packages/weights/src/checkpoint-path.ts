import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';

/**
 * Finds a checkpoint by the name that a config gives it: a file in `dir`, or a path of its own. A `.pth` name means the
 * `.safetensors` file of the same stem when only that exists.
 *
 * @returns absolute path of an existing file
 * @throws CROSSCHECK_CHECKPOINT_NOT_FOUND listing the checkpoints that `dir` holds
 */
export async function resolveCheckpointPath(name: string, dir: string): Promise<string> {
  const places = [path.resolve(dir, name), path.resolve(name)];
  for (const candidate of places.flatMap((place) => [place, ...sameStem(place)])) {
    if (await isFile(candidate)) return candidate;
  }
  throw new CrosscheckError(
    'CROSSCHECK_CHECKPOINT_NOT_FOUND',
    `Not found checkpoint ${places[0]}; ${await contents(dir)}`,
  );
}

function sameStem(file: string): string[] {
  return /\.pth?$/.test(file) ? [file.replace(/\.pth?$/, '.safetensors')] : [];
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

async function contents(dir: string): Promise<string> {
  const folder = path.resolve(dir);
  const names = await readdir(folder).catch(() => null);
  if (names === null) return `there is no folder ${folder}`;
  const checkpoints = names.filter((name) => /\.(safetensors|pth?)$/.test(name)).toSorted();
  return checkpoints.length === 0 ? `${folder} holds no checkpoint` : `${folder} holds ${checkpoints.join(', ')}`;
}
