import { readFileSync } from 'node:fs';
import type { TrainConfig } from '@crosscheck/config';
import { CrosscheckError, withoutSecrets } from '@crosscheck/contract';
import type { Model } from '@crosscheck/engine';
import { digestWeights } from '../features/feature-key.ts';
import type { Position } from '../loop/events.ts';
import { isPlace, leavesOf } from '../run/resume-keys.ts';
import type { Workers } from './workers.ts';

/** What decides a run, beside its weights. */
export interface Facts {
  tensorflow: string;
  config: TrainConfig;
  /** Digest of each split's manifest. */
  data: Record<string, string>;
  /** Where an interrupted run goes on. */
  resumed: Position | null;
}

const packageFile = new URL('../../package.json', import.meta.url);

/** @throws CROSSCHECK_WORKERS_DIFFER naming all in which a worker differs from the first */
export async function requireAlike(workers: Workers, { tensorflow, config, data, resumed }: Facts): Promise<void> {
  if (workers.world === 1) return;
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  const deciding = [...leavesOf(withoutSecrets(config))].filter(([key]) => key !== 'training.resume' && !isPlace(key));
  const digests = Object.entries(data).map(([split, digest]) => [`the sha256 of ${split}'s posts`, digest]);
  await compare(workers, {
    "Crosscheck's version": version,
    TensorFlow: tensorflow,
    'the state that training.resume names': resumed,
    ...Object.fromEntries([...digests, ...deciding]),
  });
}

/** @throws CROSSCHECK_WORKERS_DIFFER */
export async function requireSameWeights(workers: Workers, model: Pick<Model, 'variables' | 'buffers'>): Promise<void> {
  if (workers.world > 1) await compare(workers, { 'the sha256 of the weights': digestWeights(model) });
}

/** Whether all workers have ended with the same bits, for the log; null for one alone. */
export async function describeWeights(
  workers: Workers,
  model: Pick<Model, 'variables' | 'buffers'>,
): Promise<string | null> {
  if (workers.world === 1) return null;
  const [first, ...others] = await workers.gather(digestWeights(model));
  const apart = others.flatMap((digest, i) => (digest === first ? [] : [i + 1]));
  return apart.length === 0
    ? `all ${workers.world} workers hold the same weights, bit for bit`
    : `warning: the weights of worker ${apart.join(', ')} are not those of worker 0, which are kept: processors of different kinds round differently`;
}

/** @throws CROSSCHECK_WORKERS_DIFFER the same on every worker */
export async function compare(workers: Workers, own: Readonly<Record<string, unknown>>): Promise<void> {
  const [first = {}, ...others] = await workers.gather(own);
  const differences = others.flatMap((other, i) =>
    [...new Set([...Object.keys(first), ...Object.keys(other)])]
      .filter((name) => JSON.stringify(first[name]) !== JSON.stringify(other[name]))
      .map((name) => `${name} is ${shown(first[name])} for worker 0 and ${shown(other[name])} for worker ${i + 1}`),
  );
  if (differences.length === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_WORKERS_DIFFER',
    `expected workers that do the same work on the same posts, but ${differences.join('; ')}; start all of them with the same command, code, posts and weights`,
  );
}

const shown = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value));
