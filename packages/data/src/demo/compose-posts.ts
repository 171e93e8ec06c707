import { CrosscheckError, createRandom, type LabelId, type Random } from '@crosscheck/contract';
import { writeCaption } from './captions.ts';
import { type SceneKind, sceneKinds } from './kinds.ts';

/** A post before its picture is drawn. */
export interface PostPlan {
  imageKind: SceneKind;
  captionKind: SceneKind;
  label: LabelId;
  text: string;
}

/**
 * Plans the posts of one split. For every kind, as many pictures are REAL as FAKE, and as many captions; so neither alone tells
 * anything about the label. No caption occurs twice, in this split or any other that shares `taken`.
 *
 * @throws CROSSCHECK_DATA_DEMO_SIZE
 */
export function composePosts(count: number, random: Random, taken: Set<string>): PostPlan[] {
  checkCount(count);
  const plans = roundSizes(count).flatMap((kinds) =>
    planRound(random.shuffle([...sceneKinds]).slice(0, kinds), random),
  );
  const posts = plans.map((plan) => ({ ...plan, text: writeNewCaption(plan.captionKind, random, taken) }));
  return random.shuffle(posts);
}

type Pairing = Omit<PostPlan, 'text'>;

/** n kinds make 2n posts: each kind's picture once with its own words, and once with the words of another kind of the round. */
function planRound(kinds: readonly SceneKind[], random: Random): Pairing[] {
  const shift = 1 + random.int(kinds.length - 1);
  return kinds.flatMap((imageKind, i): Pairing[] => [
    { imageKind, captionKind: imageKind, label: 0 },
    { imageKind, captionKind: kinds[(i + shift) % kinds.length] as SceneKind, label: 1 },
  ]);
}

/** Kinds per round: all of them, and what remains; a remainder of one kind has no other to swap with, so it borrows one. */
function roundSizes(count: number): number[] {
  const all = sceneKinds.length;
  const pairs = count / 2;
  const rounds = Array.from({ length: Math.floor(pairs / all) }, () => all);
  const rest = pairs % all;
  if (rest === 1) return [...rounds.slice(1), all - 1, 2];
  return rest === 0 ? rounds : [...rounds, rest];
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 4 && count % 2 === 0) return;
  const message = `a split of demo posts must have an even number of at least 4 posts, so that every kind is as often REAL as FAKE, got ${count}`;
  throw new CrosscheckError('CROSSCHECK_DATA_DEMO_SIZE', message);
}

const MOST_ATTEMPTS = 1000;

function writeNewCaption(kind: SceneKind, random: Random, taken: Set<string>): string {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const text = writeCaption(kind, random);
    if (taken.has(text)) continue;
    taken.add(text);
    return text;
  }
  const message = `expected a caption that no other post has, got ${MOST_ATTEMPTS} repetitions after ${taken.size} posts; ask for fewer posts`;
  throw new CrosscheckError('CROSSCHECK_DATA_DEMO_SIZE', message);
}

/** All three splits, distinct by construction, fixed by the seed. */
export function composeSplits<S extends string>(counts: Record<S, number>, seed: number): Record<S, PostPlan[]> {
  const taken = new Set<string>();
  const splits = Object.entries<number>(counts).map(([split, count]) => [
    split,
    composePosts(count, createRandom(seed, 'demo posts', split), taken),
  ]);
  return Object.fromEntries(splits) as Record<S, PostPlan[]>;
}
