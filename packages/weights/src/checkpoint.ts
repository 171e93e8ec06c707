import {
  type CheckpointMetadata,
  CrosscheckError,
  checkpointMetadataSchema,
  requireLabelMeaning,
} from '@crosscheck/contract';
import { parameterNames } from '@crosscheck/network';
import { z } from 'zod';
import { checkTensors } from './mismatch.ts';
import { type PositiveClass, viewAsFakeProbability } from './positive-class.ts';
import { openSafetensors } from './safetensors/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors/safetensors-writer.ts';
import type { TensorFile } from './tensor-file.ts';
import { openTensorFile } from './tensor-file-formats.ts';
import { unwrapNames } from './unwrap-names.ts';

/** Key of the description in a `.safetensors` file's `__metadata__`. */
const metadataKey = 'crosscheck';

/** Tensors under the names of `parameterNames`, and what the file says about itself; null for files that Crosscheck did not write. */
export interface Checkpoint extends TensorFile {
  readonly metadata: CheckpointMetadata | null;
}

/**
 * Writes a checkpoint that both Crosscheck and PyTorch's `load_state_dict(strict=True)` read: every tensor of the architecture in
 * the reference's order and layout. Batch norm's step counts (`num_batches_tracked`) are filled in where they are not given.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH when tensors are missing, extra or misshapen
 * @throws CROSSCHECK_CHECKPOINT_METADATA_INVALID
 * @throws CROSSCHECK_CHECKPOINT_WRITE_FAILED when the disk refuses; a file that stood there before is unchanged
 */
export async function writeCheckpoint(
  path: string,
  { tensors, metadata }: { tensors: Iterable<TensorToWrite>; metadata: CheckpointMetadata },
): Promise<void> {
  const description = validMetadata(path, metadata);
  const given = new Map(Array.from(tensors, (tensor) => [tensor.name, tensor]));
  const expected = parameterNames(description.architecture);
  checkTensors({ path: `the checkpoint for ${path}`, tensors: given }, expected, { what: 'the network' });
  const steps = BigInt64Array.of(BigInt(description.step ?? 0));
  const all = expected.map(({ name, dtype, shape }) => given.get(name) ?? { name, dtype, shape, data: steps });
  await writeSafetensors(path, all, { format: 'pt', [metadataKey]: JSON.stringify(description) });
}

/**
 * Opens a checkpoint: `.safetensors` (ours or any file with the contract's names), or a PyTorch `.pth`. Tensors are read on demand.
 *
 * @param positiveClass what the file's probability is of, when it was trained elsewhere; `real` negates the last layer
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND CROSSCHECK_WEIGHTS_CORRUPT CROSSCHECK_PICKLE_REFUSED CROSSCHECK_CHECKPOINT_METADATA_INVALID
 * CROSSCHECK_LABELS_MIXED
 */
export async function openCheckpoint(
  path: string,
  { positiveClass = 'fake' }: { positiveClass?: PositiveClass } = {},
): Promise<Checkpoint> {
  const file = unwrapNames(await openTensorFile(path));
  try {
    const metadata = parseMetadata(path, file.metadata[metadataKey]);
    if (metadata && positiveClass === 'real') throw meaningIsKnown(path);
    return { ...viewAsFakeProbability(file, positiveClass), metadata };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * What a `.safetensors` checkpoint says about itself, from its header alone; null when Crosscheck did not write it.
 *
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND CROSSCHECK_WEIGHTS_CORRUPT CROSSCHECK_CHECKPOINT_METADATA_INVALID
 */
export async function readCheckpointMetadata(path: string): Promise<CheckpointMetadata | null> {
  const file = await openSafetensors(path);
  try {
    return parseMetadata(path, file.metadata[metadataKey]);
  } finally {
    await file.close();
  }
}

function parseMetadata(path: string, json: string | undefined): CheckpointMetadata | null {
  if (json === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalidMetadata(path, String(cause));
  }
  return validMetadata(path, value);
}

function validMetadata(path: string, value: unknown): CheckpointMetadata {
  if (typeof value === 'object' && value !== null && 'labels' in value) requireLabelMeaning(value.labels, path);
  const result = checkpointMetadataSchema.safeParse(value);
  if (result.success) return result.data;
  throw invalidMetadata(path, z.prettifyError(result.error));
}

function invalidMetadata(path: string, problem: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_CHECKPOINT_METADATA_INVALID',
    `the description of checkpoint ${path} is not valid:\n${problem}\nWrite it again with this version of Crosscheck`,
  );
}

function meaningIsKnown(path: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_CHECKPOINT_METADATA_INVALID',
    `${path} says itself that 1 means FAKE, so its positive class cannot be REAL; leave that option out`,
  );
}
