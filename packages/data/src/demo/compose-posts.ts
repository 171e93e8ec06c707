import { CrosscheckError, createRandom, type LabelId, type Random } from '@crosscheck/contract';
import { writeCaption, writeLayout, writeSequence } from './captions.ts';
import { type Difficulty, type SceneKind, sceneKinds } from './kinds.ts';

/** A post before its picture is drawn. It is REAL where both kinds agree. */
export interface PostPlan {
  /** What the picture shows; of a pair, what it shows above. */
  imageKind: SceneKind;
  /** What the words tell of; of two scenes, the present one or the one in the north. */
  captionKind: SceneKind;
  /** The other scene that medium and hard words name; of hard posts the picture shows both. */
  otherKind: SceneKind | null;
  label: LabelId;
  text: string;
}

/**
 * Plans the posts of one split. For every kind, as many pictures are REAL as FAKE, and as many captions; so neither alone tells
 * anything about the label. No caption occurs twice, in this split or any other that shares `taken`.
 *
 * @throws CROSSCHECK_DATA_DEMO_SIZE
 */
// oxlint-disable-next-line max-params -- what every split has, and how hard it is
export function composePosts(
  count: number,
  random: Random,
  taken: Set<string>,
  difficulty: Difficulty = 'easy',
): PostPlan[] {
  checkCount(count);
  const level = levels[difficulty];
  const plans = roundSizes(count).flatMap((kinds) =>
    level.plan(random.shuffle([...sceneKinds]).slice(0, kinds), random),
  );
  const posts = plans.map((post) => ({ ...post, text: writeNewCaption(() => level.write(post, random), taken) }));
  return random.shuffle(posts);
}

type Pairing = Omit<PostPlan, 'text'>;

interface Level {
  /** n kinds make 2n posts. */
  plan(kinds: readonly SceneKind[], random: Random): Pairing[];
  write(post: Pairing, random: Random): string;
}

const randomShift = (count: number, random: Random) => 1 + random.int(count - 1);

const levels: Record<Difficulty, Level> = {
  easy: {
    /** Each kind's picture once with its own words, and once with the words of another kind of the round. */
    plan(kinds, random) {
      const other = shifted(kinds, randomShift(kinds.length, random));
      return kinds.flatMap((imageKind, i): Pairing[] => [
        { imageKind, captionKind: imageKind, otherKind: null, label: 0 },
        { imageKind, captionKind: other[i] as SceneKind, otherKind: null, label: 1 },
      ]);
    },
    write: ({ captionKind }, random) => writeCaption(captionKind, random),
  },
  medium: {
    plan: (kinds, random) => planPairs(kinds, randomShift(kinds.length, random)),
    write: ({ captionKind, otherKind }, random) => writeSequence(captionKind, otherKind as SceneKind, random),
  },
  hard: {
    // Half a round on: every two kinds that meet stand in both orders.
    plan: (kinds) => planPairs(kinds, kinds.length >> 1),
    write: ({ captionKind, otherKind }, random) => writeLayout(captionKind, otherKind as SceneKind, random),
  },
};

/** The words name two kinds in an order, once with the picture of the first and once with that of the second. */
function planPairs(kinds: readonly SceneKind[], shift: number): Pairing[] {
  const others = shifted(kinds, shift);
  return kinds.flatMap((captionKind, i): Pairing[] => {
    const otherKind = others[i] as SceneKind;
    return [
      { imageKind: captionKind, captionKind, otherKind, label: 0 },
      { imageKind: otherKind, captionKind, otherKind, label: 1 },
    ];
  });
}

const shifted = (kinds: readonly SceneKind[], shift: number) =>
  kinds.map((_, i) => kinds[(i + shift) % kinds.length] as SceneKind);

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

function writeNewCaption(write: () => string, taken: Set<string>): string {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const text = write();
    if (taken.has(text)) continue;
    taken.add(text);
    return text;
  }
  const message = `expected a caption that no other post has, got ${MOST_ATTEMPTS} repetitions after ${taken.size} posts; ask for fewer posts`;
  throw new CrosscheckError('CROSSCHECK_DATA_DEMO_SIZE', message);
}

/** All three splits, distinct by construction, fixed by the seed. */
export function composeSplits<S extends string>(
  counts: Record<S, number>,
  seed: number,
  difficulty: Difficulty = 'easy',
): Record<S, PostPlan[]> {
  const taken = new Set<string>();
  const splits = Object.entries<number>(counts).map(([split, count]) => [
    split,
    composePosts(count, createRandom(seed, 'demo posts', split), taken, difficulty),
  ]);
  return Object.fromEntries(splits) as Record<S, PostPlan[]>;
}
