// Opens TensorFlow: the process has entered its cluster before.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, throwIfStopped } from '@crosscheck/contract';
import {
  abortCollectives,
  allReduce,
  allReduceBfloat16,
  checkPeer,
  openCollectives,
  tf,
  toBfloat16,
} from '@crosscheck/tensorflow';
import { bucketSize, type Piece, planBuckets } from './buckets.ts';
import { lostError } from './lost.ts';
import { watchPeers } from './watch-peers.ts';
import type { Reduced, Workers } from './workers.ts';

type GradientDtype = 'float32' | 'bfloat16';

export interface CollectiveOptions {
  startSeconds: number;
  timeoutSeconds: number;
  gradientDtype: GradientDtype;
  say: (line: string) => void;
}

export interface CollectiveWorkers extends Workers {
  /** The same sum in other numbers or buckets: for measurements. */
  sumIn(dtype: GradientDtype, bucketSize: number, tensors: readonly tf.Tensor[]): Promise<Reduced>;
}

/** Workers that reach each other by TensorFlow's collectives. Resolves when all are there. @throws CROSSCHECK_WORKERS_… */
export async function openCollectiveWorkers(options: CollectiveOptions): Promise<CollectiveWorkers> {
  const { addresses, rank } = openCollectives();
  const world = addresses.length;
  const others = addresses.flatMap((address, peer) => (peer === rank ? [] : [{ peer, address }]));
  await awaitAll(others, options);
  const reduce = reducer(world, others, options.timeoutSeconds);
  const [sum, gather] = [sumOver(reduce, options.gradientDtype), gatherOver(reduce, { rank, world })];
  const sumIn: CollectiveWorkers['sumIn'] = (dtype, size, tensors) => sumOver(reduce, dtype, size)(tensors);
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    // Whoever leaves first would cut the last answer to the others short.
    await gather('farewell').catch(() => undefined);
  };
  return { rank, world, sum, sumIn, gather, close };
}

interface Other {
  peer: number;
  address: string;
}

const nameOf = ({ peer, address }: Other) => `worker ${peer} (${address})`;

async function awaitAll(others: readonly Other[], { startSeconds, say }: CollectiveOptions): Promise<void> {
  const deadline = Date.now() + startSeconds * 1000;
  const noteAt = Date.now() + 10_000;
  const missing = new Set(others);
  let isSaid = false;
  while (missing.size > 0) {
    throwIfStopped();
    await Promise.all([...missing].map(async (other) => (await answers(other, 1000)) && missing.delete(other)));
    const names = [...missing].map(nameOf).join(', ');
    if (missing.size > 0 && Date.now() >= deadline) throw lostError(`${names} did not come within ${startSeconds} s`);
    if (missing.size > 0 && !isSaid && Date.now() >= noteAt) {
      say(`waiting for ${names}`);
      isSaid = true;
    }
    if (missing.size > 0) await sleep(100);
  }
}

const answers = ({ peer }: Other, limitMs: number) =>
  checkPeer(peer, limitMs).then(
    () => true,
    () => false,
  );

/** Sums one tensor that goes with it; `kind` tells tensors of one shape apart that are on their way at once. */
type Reduce = (x: tf.Tensor, kind: string, isRounded?: boolean) => Promise<tf.Tensor>;

function reducer(world: number, others: readonly Other[], timeoutSeconds: number): Reduce {
  const keys = new Map<string, number>();
  const keyOf = (name: string) => keys.get(name) ?? (keys.set(name, keys.size + 1), keys.size);
  const waiting = whileWaiting(others, timeoutSeconds);
  return (x, kind, isRounded = false) => {
    // Tensors of at most 16 numbers for each worker go one way only, and some would not notice that another is gone.
    if (x.size <= 16 * world) throw new Error(`a tensor of ${x.size} numbers is too small for ${world} workers`);
    const key = keyOf(`${kind} ${x.size} ${isRounded}`);
    if (!isRounded) {
      const summed = allReduce(x, key);
      x.dispose();
      return waiting(summed);
    }
    const rounded = toBfloat16(x);
    const summed = allReduceBfloat16(rounded, key);
    tf.dispose(x);
    rounded.dispose();
    return waiting(summed);
  };
}

/** Waits for a sum as long as the others show that they live, and says who does not. */
function whileWaiting(others: readonly Other[], timeoutSeconds: number): <T>(work: Promise<T>) => Promise<T> {
  return async (work) => {
    let gone: string | null = null;
    const end = watchPeers({
      check: checkPeer,
      peers: others.map(({ peer }) => peer),
      timeoutMs: timeoutSeconds * 1000,
      onSilence(silent) {
        const other = others.find(({ peer }) => peer === silent);
        gone =
          other === undefined
            ? 'the other workers answer, but do not come to the same point of the run'
            : `${nameOf(other)} has not answered for ${timeoutSeconds} s`;
        abortCollectives(gone);
      },
    });
    try {
      return await work;
    } catch (error) {
      throw lostError(gone ?? (await describeLoss(others, error)), error);
    } finally {
      end();
    }
  };
}

async function describeLoss(others: readonly Other[], error: unknown): Promise<string> {
  const isThere = await Promise.all(others.map((other) => answers(other, 500)));
  const gone = others.filter((_, i) => !isThere[i]).map(nameOf);
  const [reason] = messageOf(error).split('\n');
  return gone.length > 0 ? `${gone.join(' and ')} is gone (${reason})` : `the workers lost each other (${reason})`;
}

function sumOver(reduce: Reduce, dtype: GradientDtype, size: number = bucketSize): Workers['sum'] {
  return async (tensors, also = new Float32Array(0)): Promise<Reduced> => {
    const buckets = planBuckets(
      tensors.map((tensor) => tensor.size),
      size,
    );
    const isRounded = dtype === 'bfloat16';
    // All are on their way before the first one is waited for.
    const sums = buckets.map((pieces, i) => {
      const isLast = i === buckets.length - 1 && !isRounded;
      return reduce(packBucket(tensors, pieces, isLast ? also : null), `bucket ${i}`, isRounded);
    });
    const apart = isRounded || buckets.length === 0 ? reduce(packBucket(tensors, [], also), 'also') : null;
    const summed = await settleAll(apart === null ? sums : [...sums, apart]);
    const last = summed.at(-1) as tf.Tensor;
    const begin = apart === null ? sizeOf(buckets.at(-1) ?? []) : 0;
    const alsoSummed = (await last.data<'float32'>()).slice(begin, begin + also.length);
    return { tensors: unpackBuckets(tensors, buckets, summed), also: alsoSummed };
  };
}

/** None is left to itself when another one fails. */
async function settleAll(sums: readonly Promise<tf.Tensor>[]): Promise<tf.Tensor[]> {
  const settled = await Promise.allSettled(sums);
  const failed = settled.find(({ status }) => status === 'rejected');
  const summed = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (failed === undefined) return summed;
  tf.dispose(summed);
  throw (failed as PromiseRejectedResult).reason;
}

const sizeOf = (pieces: readonly Piece[]) => pieces.reduce((sum, { size }) => sum + size, 0);

/** Enough numbers that every worker of a thousand has its part of the ring. */
const smallest = 16 * 1024;

/** One vector of all pieces, with what rides along behind them. */
function packBucket(tensors: readonly tf.Tensor[], pieces: readonly Piece[], also: Float32Array | null): tf.Tensor {
  return tf.tidy(() => {
    const parts = pieces.map(({ tensor, begin, size }) => {
      const flat = (tensors[tensor] as tf.Tensor).reshape([-1]) as tf.Tensor1D;
      return size === flat.size ? flat : tf.slice1d(flat, begin, size);
    });
    if (also !== null && also.length > 0) parts.push(tf.tensor1d(also, 'float32'));
    const filled = parts.reduce((sum, { size }) => sum + size, 0);
    if (filled < smallest) parts.push(tf.zeros([smallest - filled]));
    const [only] = parts as [tf.Tensor1D];
    return parts.length === 1 ? only.clone() : tf.concat1d(parts);
  });
}

/** The sums in the shapes of the tensors that were given; frees the buckets. */
function unpackBuckets(
  tensors: readonly tf.Tensor[],
  buckets: readonly (readonly Piece[])[],
  summed: readonly tf.Tensor[],
): tf.Tensor[] {
  const pieces = tensors.map((): tf.Tensor[] => []);
  for (const [i, bucket] of buckets.entries()) {
    const whole = summed[i] as tf.Tensor1D;
    const rest = whole.size - sizeOf(bucket);
    const parts = tf.split(whole, [...bucket.map(({ size }) => size), ...(rest > 0 ? [rest] : [])]);
    if (rest > 0) parts.pop()?.dispose();
    for (const [k, { tensor }] of bucket.entries()) pieces[tensor]?.push(parts[k] as tf.Tensor);
    whole.dispose();
  }
  for (const apart of summed.slice(buckets.length)) apart.dispose();
  return tensors.map(({ shape }, i) => {
    const parts = pieces[i] as tf.Tensor1D[];
    const shaped = tf.tidy(() =>
      parts.length === 0
        ? tf.zeros(shape)
        : (parts.length === 1 ? (parts[0] as tf.Tensor1D) : tf.concat1d(parts)).reshape(shape),
    );
    tf.dispose(parts);
    return shaped;
  });
}

/** Everybody writes JSON into a place of its own among zeros, two bytes to a number; the sum is all of it. */
function gatherOver(reduce: Reduce, { rank, world }: Pick<Workers, 'rank' | 'world'>): Workers['gather'] {
  const add = async (own: Uint16Array, begin: number, total: number) => {
    const numbers = new Float32Array(Math.max(total, smallest));
    numbers.set(own, begin);
    const chunks = planBuckets([numbers.length], bucketSize);
    const parts = chunks.map(([piece]) => piece as Piece);
    const summed = await settleAll(
      parts.map(({ begin: at, size }, i) => reduce(packNumbers(numbers.subarray(at, at + size)), `words ${i}`)),
    );
    const all = new Float32Array(numbers.length);
    for (const [i, sum] of summed.entries()) all.set(await sum.data<'float32'>(), parts[i]?.begin);
    tf.dispose(summed);
    return Uint16Array.from(all);
  };
  return async <T>(value: T): Promise<T[]> => {
    const text = Buffer.from(JSON.stringify([value]));
    const own = new Uint16Array(Math.ceil(text.length / 2));
    new Uint8Array(own.buffer).set(text);
    const sizes = new Uint16Array(2).fill(0);
    sizes.set([text.length & 0xffff, text.length >>> 16]);
    const told = await add(sizes, 2 * rank, 2 * world);
    const lengths = Array.from({ length: world }, (_, i) => (told[2 * i] ?? 0) + (told[2 * i + 1] ?? 0) * 0x10000);
    const begins = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + Math.ceil(length / 2), 0));
    const total = lengths.reduce((sum, length) => sum + Math.ceil(length / 2), 0);
    const words = await add(own, begins[rank] ?? 0, total);
    return lengths.map((length, i) => {
      const bytes = Buffer.from(words.buffer, 2 * (begins[i] ?? 0), length);
      return (JSON.parse(bytes.toString()) as [T])[0];
    });
  };
}

const packNumbers = (numbers: Float32Array) => tf.tensor1d(numbers, 'float32');
