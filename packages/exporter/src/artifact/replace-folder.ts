import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { artifactFiles, asFileError, CrosscheckError, guardWriting } from '@crosscheck/contract';
import { ensureFolder, litterIn, temporaryBeside } from '@crosscheck/files';

/**
 * Lets `build` fill a temporary folder beside `target` and puts it in target's place when it succeeds. When it fails, nothing is left
 * behind and an artifact that stood there stays as it was.
 *
 * @throws CROSSCHECK_EXPORT_OUTPUT_OCCUPIED when `target` holds files but no artifact, CROSSCHECK_OUTPUT_UNWRITABLE
 */
export async function replaceFolder<T>(target: string, build: (dir: string) => Promise<T>): Promise<T> {
  const parent = path.dirname(path.resolve(target));
  guardWriting(target, () => ensureFolder(parent));
  await recover(target, parent);
  await refuseForeignFolder(target);
  const workspace = temporaryBeside(target);
  try {
    const fresh = path.join(workspace, 'new');
    ensureFolder(fresh);
    const result = await build(fresh);
    await swap(target, fresh, path.join(workspace, 'old'));
    return result;
  } catch (error) {
    throw refusedAs(target, error, workspace);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/** What killed exports left goes; one that was killed between the two renames has the only copy of what stood there. */
async function recover(target: string, parent: string): Promise<void> {
  for (const workspace of litterIn(parent, { folders: `.${path.basename(target)}.` })) {
    const [old, there] = [path.join(workspace, 'old'), await list(target)];
    if (there.length === 0 && (await list(old)).length > 0) {
      await rm(target, { recursive: true, force: true });
      await rename(old, target);
    }
    await rm(workspace, { recursive: true, force: true });
  }
}

/** What the system refused inside the workspace, told of the folder that was asked for. */
function refusedAs(target: string, error: unknown, workspace: string): unknown {
  const { path: place = workspace } = error as NodeJS.ErrnoException;
  return (place.startsWith(workspace) ? asFileError(error, target) : null) ?? error;
}

async function refuseForeignFolder(target: string): Promise<void> {
  const entries = await list(target);
  if (entries.length === 0 || entries.includes(artifactFiles.manifest)) return;
  const message = `expected no folder, an empty one or an artifact at ${target}, found ${entries.length} entries without ${artifactFiles.manifest}; choose another export.output_dir`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_OUTPUT_OCCUPIED', message);
}

/** Two renames; what others put into the old folder (a .dvc file, notes) moves over. */
async function swap(target: string, fresh: string, old: string): Promise<void> {
  const before = await list(target);
  const written = new Set(await list(fresh));
  if (before.length > 0) await rename(target, old);
  else await rm(target, { recursive: true, force: true });
  await rename(fresh, target).catch(async (error: unknown) => {
    if (before.length > 0) await rename(old, target);
    throw error;
  });
  for (const name of before.filter((entry) => !written.has(entry)))
    await rename(path.join(old, name), path.join(target, name));
}

function list(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
