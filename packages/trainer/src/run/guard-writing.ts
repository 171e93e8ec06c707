import { CrosscheckError, describeSystemError, messageOf } from '@crosscheck/contract';
import { ensureFolder } from '@crosscheck/files';

/**
 * Runs what writes a file of a run. Checkpoints and states are written under temporary names, so the last good ones outlive a full disk.
 *
 * @throws CROSSCHECK_RUN_UNWRITABLE
 */
export function guardWriting<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const cause = error instanceof CrosscheckError ? error.cause : error;
    throw new CrosscheckError(
      'CROSSCHECK_RUN_UNWRITABLE',
      `cannot write ${file}: ${describeSystemError(cause) ?? messageOf(cause)}; free space, or choose other folders with hydra.run.dir and training.checkpoint_dir. ` +
        'Checkpoints and the training state that were written before are kept: training.resume=<run folder> goes on from there',
      { cause },
    );
  }
}

export function makeFolder(folder: string): void {
  guardWriting(folder, () => ensureFolder(folder));
}
