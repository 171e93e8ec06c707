import { createRandom } from '@crosscheck/contract';

export interface OrderOptions {
  shuffle: boolean;
  seed: number;
  /** Every label equally often: samples of rarer labels repeat. @default false */
  balanced?: boolean;
}

type Labels = ArrayLike<number | null>;

/** The samples of an epoch in the order of training: fixed by (seed, epoch), or 0, 1, 2, … without shuffling. */
export function epochOrder(labels: Labels, epoch: number, options: OrderOptions): Int32Array {
  const order = options.balanced
    ? balance(labels, epoch, options.seed)
    : Int32Array.from({ length: labels.length }, (_, index) => index);
  return options.shuffle ? createRandom(options.seed, 'shuffle', epoch).shuffle(order) : order;
}

/** Samples that one epoch goes through. */
export function countSamples(labels: Labels, { balanced = false }: Pick<OrderOptions, 'balanced'>): number {
  if (!balanced) return labels.length;
  const groups = groupByLabel(labels);
  return groups.length * Math.max(0, ...groups.map(({ length }) => length));
}

function groupByLabel(labels: Labels): number[][] {
  const groups = new Map<number | null, number[]>();
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] ?? null;
    const group = groups.get(label);
    if (group) group.push(index);
    else groups.set(label, [index]);
  }
  return [...groups.values()];
}

/** Labels take turns. A rarer label's samples are all used before one of them repeats, in another order each epoch. */
function balance(labels: Labels, epoch: number, seed: number): Int32Array {
  const groups = groupByLabel(labels).map((group, i) => createRandom(seed, 'balance', epoch, i).shuffle(group));
  const most = Math.max(0, ...groups.map(({ length }) => length));
  const rounds = Array.from({ length: most }, (_, round) =>
    groups.map((group) => group[round % group.length] as number),
  );
  return Int32Array.from(rounds.flat());
}

/** Batches in an epoch. */
export function countBatches(count: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
}
