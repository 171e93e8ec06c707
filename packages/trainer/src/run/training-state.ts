import { CrosscheckError } from '@crosscheck/contract';
import {
  loadWeights,
  type Model,
  modelTensors,
  type Optimizer,
  type OptimizerState,
  type VariableMoments,
} from '@crosscheck/engine';
import { openSafetensors, type TensorFile, type TensorToWrite, writeSafetensors } from '@crosscheck/weights';
import { z } from 'zod';
import type { EpochRecord } from '../loop/history.ts';
import { stateMetadataKey } from './stored-run.ts';

export { trainingStateFile } from './stored-run.ts';

const positionSchema = z.object({
  phase: z.int(),
  epoch: z.int(),
  batch: z.int(),
  phaseStep: z.int(),
  step: z.int(),
  totalEpochs: z.int(),
});

const descriptionSchema = z.object({
  formatVersion: z.literal(1),
  point: z.object({
    position: positionSchema,
    totals: z.object({
      lossSum: z.number(),
      logits: z.array(z.number()),
      labels: z.array(z.number()),
      // What earlier versions did not count.
      losses: z.array(z.number()).default([]),
      gradientNorms: z.array(z.number()).default([]),
      skipped: z.int().default(0),
    }),
  }),
  history: z.array(z.custom<EpochRecord>()),
  best: z
    .object({
      value: z.number(),
      loss: z.number().nullable().default(null),
      epoch: z.int(),
      path: z.string(),
    })
    .nullable(),
  optimizerSteps: z.record(z.string(), z.int()),
  /** Digest of each split's manifest: a resumed run must see the same samples. */
  dataDigests: z.record(z.string(), z.string()),
  config: z.unknown(),
  runId: z.string().nullable(),
});

/** What a killed run needs beside its tensors to continue as if nothing had happened. Randomness follows from seed and position. */
export type StateDescription = z.infer<typeof descriptionSchema>;

const [modelPrefix, firstPrefix, secondPrefix] = ['model/', 'adam.first/', 'adam.second/'];

/** Writes model, optimizer moments and position to a temporary name and renames: a kill leaves the old state or the new one. */
export async function writeTrainingState(
  file: string,
  parts: {
    model: Model;
    optimizer: Optimizer;
    description: Omit<StateDescription, 'optimizerSteps' | 'formatVersion'>;
  },
): Promise<void> {
  const { model, optimizer, description } = parts;
  const moments = optimizer.moments();
  const tensorsOf = (prefix: string, read: (of: VariableMoments) => Float32Array): TensorToWrite[] =>
    moments.map((of) => ({ name: prefix + of.name, dtype: 'F32', shape: [of.size], data: () => read(of) }));
  const tensors = [
    ...modelTensors(model).map((tensor) => ({ ...tensor, name: modelPrefix + tensor.name })),
    ...tensorsOf(firstPrefix, (of) => of.readFirst()),
    ...tensorsOf(secondPrefix, (of) => of.readSecond()),
  ];
  const optimizerSteps = Object.fromEntries(moments.map(({ name, steps }) => [name, steps]));
  const full: StateDescription = { formatVersion: 1, ...description, optimizerSteps };
  await writeSafetensors(file, tensors, { [stateMetadataKey]: JSON.stringify(full) });
}

export interface TrainingState {
  description: StateDescription;
  /** Puts weights and moments back. */
  restore(model: Model, optimizer: Optimizer): Promise<void>;
  /** Puts the weights back only. */
  restoreModel(model: Model): Promise<void>;
  close(): Promise<void>;
}

/** @throws CROSSCHECK_RESUME_STATE_INVALID when the file is not a training state of this version */
export async function openTrainingState(path: string): Promise<TrainingState> {
  const file = await openSafetensors(path);
  const description = await parseDescription(path, file);
  const restoreModel = (model: Model) => loadWeights(model, withoutPrefix(file, modelPrefix));
  return {
    description,
    restoreModel,
    async restore(model, optimizer) {
      await restoreModel(model);
      optimizer.restore(await readMoments(file, description.optimizerSteps), model.variables);
    },
    close: () => file.close(),
  };
}

async function readMoments(file: TensorFile, steps: Record<string, number>): Promise<OptimizerState> {
  const read = async (prefix: string) => {
    const arrays = new Map<string, Float32Array>();
    for (const name of Object.keys(steps)) arrays.set(name, await file.read(prefix + name));
    return arrays;
  };
  return { steps, firstMoments: await read(firstPrefix), secondMoments: await read(secondPrefix) };
}

function withoutPrefix(file: TensorFile, prefix: string): TensorFile {
  const names = [...file.tensors.values()].filter(({ name }) => name.startsWith(prefix));
  const tensors = new Map(
    names.map((info) => [info.name.slice(prefix.length), { ...info, name: info.name.slice(prefix.length) }]),
  );
  return { ...file, tensors, read: (name) => file.read(prefix + name) };
}

/** @returns undefined for what is no JSON, which no schema takes */
function parseJson(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

async function parseDescription(
  path: string,
  file: Awaited<ReturnType<typeof openSafetensors>>,
): Promise<StateDescription> {
  const json = file.metadata[stateMetadataKey];
  const result = descriptionSchema.safeParse(parseJson(json));
  if (result.success) return result.data;
  await file.close();
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_STATE_INVALID',
    `${path} is no training state of this version of Crosscheck: ${z.prettifyError(result.error)}; start a new run, or load its best checkpoint with model.load_model`,
  );
}
