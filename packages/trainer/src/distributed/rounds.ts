import type { Takes } from '@crosscheck/data';
import type { Workers } from './workers.ts';

/** Positions that the workers go through together, a few of them in each round. */
export interface Rounds {
  workers: Pick<Workers, 'rank' | 'world'>;
  /** The first position. */
  begin: number;
  /** One behind the last. */
  end: number;
  /** Positions of a round; the last round may have fewer. */
  parts: number;
}

/** The first worker takes the first parts of a round, the last one the last: the same parts make the same round, however many workers there are. */
export const ownPart =
  ({ workers: { rank, world }, begin, parts }: Rounds): Takes =>
  (position) =>
    Math.floor((((position - begin) % parts) * world) / parts) === rank;

/** One batch each. */
export const onePerWorker = (workers: Workers, count: number): Rounds => ({
  workers,
  begin: 0,
  end: count,
  parts: workers.world,
});

export interface Round<T> {
  begin: number;
  /** One behind its last position. */
  end: number;
  /** What this worker has of it. */
  own: T[];
}

/**
 * A worker's items, which come in order, round by round. All workers go through the same rounds, also through those in which they have
 * nothing: a position may hold nothing that can be read, and the last round may have fewer parts than there are workers.
 */
export async function* inRounds<T extends { position: number }>(
  items: AsyncGenerator<T, void, undefined>,
  rounds: Rounds,
): AsyncGenerator<Round<T>, void, undefined> {
  const pick = { isOwn: ownPart(rounds), next: lookAhead(items) };
  try {
    for (let begin = rounds.begin; begin < rounds.end; begin += rounds.parts) {
      const end = Math.min(begin + rounds.parts, rounds.end);
      yield { begin, end, own: await takeRound(pick, begin, end) };
    }
  } finally {
    await items.return();
  }
}

interface Picking<T> {
  isOwn: Takes;
  /** The next item if it stands before a position. */
  next: (before: number) => Promise<T | null>;
}

/** Asks for no item behind the worker's last one of the round, so that nothing is waited for too early. */
async function takeRound<T extends { position: number }>(
  { isOwn, next }: Picking<T>,
  begin: number,
  end: number,
): Promise<T[]> {
  const positions = Array.from({ length: end - begin }, (_, part) => begin + part).filter(isOwn);
  const last = positions.at(-1) ?? -1;
  const own: T[] = [];
  while ((own.at(-1)?.position ?? -1) < last) {
    const item = await next(end);
    if (item === null) break;
    own.push(item);
  }
  return own;
}

function lookAhead<T extends { position: number }>(
  items: AsyncGenerator<T, void, undefined>,
): (before: number) => Promise<T | null> {
  let ahead: T | void;
  return async (before) => {
    ahead ??= (await items.next()).value;
    if (!ahead || ahead.position >= before) return null;
    const item = ahead;
    ahead = undefined;
    return item;
  };
}
