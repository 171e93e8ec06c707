import path from 'node:path';
import {
  type Architecture,
  type Artifact,
  type CheckpointMetadata,
  describeBackbones,
  type Preprocessing,
  withoutSecrets,
} from '@crosscheck/contract';
import { z } from 'zod';

/** Who a model is, by its own word: the composed config says only how it is judged. */
export interface ModelFacts {
  name: string;
  /** When it was trained (a checkpoint) or exported (an artifact folder); null when it does not say. */
  createdAt: string | null;
  /** MLflow run that trained it. */
  runId: string | null;
  epoch: number | null;
  architecture: Architecture;
  preprocessing: Preprocessing;
  /** The config it was trained with, and what set each key; null when it does not say. */
  config: unknown;
  configOrigins: Record<string, string>;
}

const namedConfig = z.object({ model: z.object({ name: z.string().min(1) }) });

/** `model.name` of the training that a checkpoint tells of; of its file when it tells of none. */
export function trainedName(config: unknown, file: string): string {
  const named = namedConfig.safeParse(config);
  return named.success ? named.data.model.name : path.parse(file).name;
}

/**
 * Of a checkpoint.
 *
 * @param isForeign for a file that says nothing about itself: its description was assumed, so the assumed config is not its own
 */
export function factsOfCheckpoint(file: string, metadata: CheckpointMetadata, isForeign: boolean): ModelFacts {
  const { createdAt, runId, epoch, architecture, preprocessing, config, configOrigins } = metadata;
  // Earlier versions wrote the password of a tracking URI into checkpoints.
  const own = isForeign ? null : withoutSecrets(config ?? null);
  return {
    name: trainedName(own, file),
    createdAt: isForeign ? null : createdAt,
    runId,
    epoch,
    architecture,
    preprocessing,
    config: own,
    configOrigins: isForeign ? {} : configOrigins,
  };
}

export function factsOfArtifact({ name, createdAt, source, architecture, preprocessing }: Artifact): ModelFacts {
  const own = { name, createdAt, runId: source.runId, epoch: null, architecture, preprocessing };
  return { ...own, config: null, configOrigins: {} };
}

/** The network in a few words, for pages. */
export function describeNetwork(architecture: Architecture): string {
  const partial = architecture.missingModality === 'learned' ? ', for posts that may lack a part' : '';
  return `${describeBackbones(architecture)}, fusion ${architecture.fusion}${partial}`;
}
