import { tf } from '@crosscheck/tensorflow';
import type { Reduced, Workers } from '../../src/distributed/workers.ts';

export interface Together {
  workers: Workers[];
  /** What one of them has died of, all are told. */
  fail(reason: unknown): void;
}

interface Given {
  call: string;
  tensors: readonly tf.Tensor[];
  also: Float32Array;
  value: unknown;
}

/** Workers that live in one process and really add up: every call waits for everybody's, which must be the same call with the same shapes. */
export function workersTogether(world: number): Together {
  let meeting = openMeeting(world);
  let failure: { reason: unknown } | null = null;
  const meet = async (rank: number, given: Given): Promise<(Reduced & { values: unknown[] })[]> => {
    if (failure) throw failure.reason;
    const { arrived, done, end } = meeting;
    if (arrived.has(rank)) throw new Error(`worker ${rank} calls twice`);
    arrived.set(rank, given);
    if (arrived.size === world) {
      meeting = openMeeting(world);
      const all = Array.from({ length: world }, (_, i) => arrived.get(i) as Given);
      end(settle(all));
    }
    return done;
  };
  const openWorker = (rank: number): Workers => ({
    rank,
    world,
    async sum(tensors, also = new Float32Array(0)) {
      const shapes = tensors.map(({ shape }) => shape.join('×')).join(' ');
      const given = { call: `sum ${shapes} + ${also.length}`, tensors, also, value: null };
      return (await meet(rank, given))[rank] as Reduced;
    },
    async gather<T>(value: T) {
      const text = JSON.stringify(value);
      const given = { call: 'gather', tensors: [], also: new Float32Array(0), value: text };
      return (await meet(rank, given))[rank]?.values.map((each) => JSON.parse(each as string)) as T[];
    },
    close: async () => {},
  });
  const fail = (reason: unknown) => {
    failure ??= { reason };
    meeting.abort(reason);
  };
  return { workers: Array.from({ length: world }, (_, rank) => openWorker(rank)), fail };
}

type Settled = (Reduced & { values: unknown[] })[];

function openMeeting(world: number) {
  const { promise: done, resolve: end, reject: abort } = Promise.withResolvers<Settled>();
  done.catch(() => {});
  return { world, arrived: new Map<number, Given>(), done, end, abort };
}

/** Everybody gets the same bits, in tensors of their own. */
function settle(all: Given[]): Settled {
  const calls = new Set(all.map(({ call }) => call));
  if (calls.size > 1) throw new Error(`workers are out of step: ${[...calls].join(' | ')}`);
  const [first] = all as [Given];
  const sums = first.tensors.map((_, i) => tf.tidy(() => tf.addN(all.map(({ tensors }) => tensors[i] as tf.Tensor))));
  const also = first.also.map((_, i) => all.reduce((sum, given) => Math.fround(sum + (given.also[i] as number)), 0));
  const values = all.map(({ value }) => value);
  const settled = all.map(() => ({ tensors: sums.map((sum) => sum.clone()), also: also.slice(), values }));
  tf.dispose(sums);
  return settled;
}
