import { messageOf } from '@crosscheck/contract';
import { z } from 'zod';
import { type Environment, type Placement, placed, unusable } from './placement.ts';

const schema = z.looseObject({
  cluster: z.record(z.string(), z.union([z.array(z.string()), z.record(z.string(), z.string())])).optional(),
  task: z.looseObject({ type: z.string(), index: z.coerce.number().int().min(0) }).optional(),
});

/** Jobs of a cluster whose processes train, in the order of ranks; `master` is what `chief` was called before. */
const training = ['chief', 'master', 'worker'];

/** As Kubeflow's TFJob and TensorFlow's own strategies have it. */
export function fromTfConfig(env: Environment): Placement | null {
  const text = env['TF_CONFIG'];
  if (text === undefined || text.trim() === '') return null;
  const { cluster, task } = parse(text);
  if (cluster === undefined || Object.keys(cluster).length === 0) return null;
  if (Object.values(cluster).some((job) => !Array.isArray(job))) {
    throw unusable(
      'TF_CONFIG has the sparse form (enableDynamicWorker), in which a worker knows itself alone; every one must know all others, so leave enableDynamicWorker out of the TFJob',
    );
  }
  const jobs = cluster as Record<string, string[]>;
  if ((jobs['ps'] ?? []).length > 0)
    throw unusable(
      'TF_CONFIG has parameter servers (ps), which are not used: workers add up gradients among themselves; leave them out',
    );
  const listed = training.flatMap((job) => (jobs[job] ?? []).map((address, index) => ({ job, index, address })));
  const rank = rankOf(listed, task);
  return placed('TF_CONFIG', { addresses: listed.map(({ address }) => address), rank });
}

function rankOf(listed: readonly { job: string; index: number }[], task: z.infer<typeof schema>['task']): number {
  if (task === undefined)
    throw unusable('TF_CONFIG has no "task", which says which worker this is: {"type": "worker", "index": 0}');
  const rank = listed.findIndex(({ job, index }) => job === task.type && index === task.index);
  if (rank >= 0) return rank;
  const known = listed.map(({ job, index }) => `${job} ${index}`).join(', ');
  throw unusable(
    `TF_CONFIG says that this is ${task.type} ${task.index}, which does not train; those that do are ${known || 'none'}`,
  );
}

function parse(text: string): z.infer<typeof schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unusable(`TF_CONFIG is not JSON: ${messageOf(error)}`);
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  throw unusable(
    `TF_CONFIG cannot be used: ${z.prettifyError(error)}; it looks like {"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}`,
  );
}
