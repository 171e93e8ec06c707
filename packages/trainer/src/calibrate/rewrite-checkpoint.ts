import type { CheckpointMetadata, Decision } from '@crosscheck/contract';
import { parameterNames } from '@crosscheck/network';
import { type Checkpoint, writeCheckpoint } from '@crosscheck/weights';

/** Writes a checkpoint with other metadata, or another decision: the same tensors, one in memory at a time, whole or not at all, even in its own place. */
export function rewriteCheckpoint(
  file: string,
  checkpoint: Pick<Checkpoint, 'read'>,
  metadata: CheckpointMetadata,
  decision: Decision = metadata,
): Promise<void> {
  const { abstainBand: _, ...rest } = metadata;
  const tensors = parameterNames(metadata.architecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => checkpoint.read(name) }));
  return writeCheckpoint(file, { tensors, metadata: { ...rest, ...decision } });
}
