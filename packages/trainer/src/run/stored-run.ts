import { stat } from 'node:fs/promises';
import path from 'node:path';
import { upgradeStored } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { openSafetensors } from '@crosscheck/weights';

export const trainingStateFile = 'training_state.safetensors';
export const stateMetadataKey = 'crosscheck_training_state';

/** The state that `training.resume` names: the file, or the one in a run folder. @throws CROSSCHECK_RESUME_NOT_FOUND */
export async function findState(named: string): Promise<string> {
  const candidates = [path.resolve(named), path.resolve(named, trainingStateFile)];
  for (const file of candidates) if ((await stat(file).catch(() => null))?.isFile()) return file;
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_NOT_FOUND',
    `training.resume must name a run folder with ${trainingStateFile} in it, or that file; looked for ${candidates.join(' and ')}`,
  );
}

/** The config of the run that overrides continue, as it was stored; undefined when they continue none. Needs no TensorFlow. */
export async function readStoredConfig(overrides: readonly string[]): Promise<unknown> {
  const named = overrides.findLast((override) => /^\+{0,2}training\.resume=/.test(override));
  const place = named?.slice(named.indexOf('=') + 1).replace(/^(['"])(.*)\1$/, '$2');
  if (place === undefined || place === 'null') return undefined;
  try {
    const file = await openSafetensors(await findState(place));
    await file.close();
    const { config } = JSON.parse(file.metadata[stateMetadataKey] ?? '{}') as { config?: unknown };
    return upgradeStored(config);
  } catch {
    // Whoever opens the run says what is wrong with it.
    return undefined;
  }
}
