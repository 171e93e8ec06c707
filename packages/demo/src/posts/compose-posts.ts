import { CrosscheckError, createRandom, type LabelId, type Random } from '@crosscheck/contract';
import { writeCaption, writePair, writeSequence } from './captions.ts';
import { type Difficulty, type SceneKind, sceneKinds } from './kinds.ts';

/** A post before its picture is drawn. It is REAL where both kinds agree. */
export interface PostPlan {
  /** What the picture shows; in hard posts beside `otherKind`. */
  imageKind: SceneKind;
  /** What the words tell of; in hard posts beside `otherKind`. */
  captionKind: SceneKind;
  /** Medium: the past scene that the words name. Hard: the scene that both have. */
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
  const level = levels[difficulty];
  checkCount(count, level.multiple);
  const plans = level.plan(count, random);
  const posts = plans.map((post) => ({ ...post, text: writeNewCaption(() => level.write(post, random), taken) }));
  return random.shuffle(posts);
}

type Pairing = Omit<PostPlan, 'text'>;

interface Level {
  /** The number of posts must be one of this, so that everything is as often REAL as FAKE. */
  multiple: number;
  plan(count: number, random: Random): Pairing[];
  write(post: Pairing, random: Random): string;
}

const levels: Record<Difficulty, Level> = {
  easy: {
    multiple: 2,
    plan: (count, random) => planRounds(count, random, planMismatches),
    write: ({ captionKind }, random) => writeCaption(captionKind, random),
  },
  medium: {
    multiple: 2,
    plan: (count, random) => planRounds(count, random, planSequences),
    write: ({ captionKind, otherKind }, random) => writeSequence(captionKind, otherKind as SceneKind, random),
  },
  hard: {
    multiple: 4,
    plan: (count, random) => Array.from({ length: count / 4 }, () => planPairs(random)).flat(),
    write({ captionKind, otherKind }, random) {
      const [first, second] = random.shuffle([captionKind, otherKind as SceneKind]) as [SceneKind, SceneKind];
      return writePair(first, second, random);
    },
  },
};

/** Kinds of a round, and another one for each. n kinds make 2n posts. */
type Round = (kinds: readonly SceneKind[], others: readonly SceneKind[]) => Pairing[];

function planRounds(count: number, random: Random, round: Round): Pairing[] {
  return roundSizes(count).flatMap((size) => {
    const kinds = random.shuffle([...sceneKinds]).slice(0, size);
    const shift = 1 + random.int(size - 1);
    return round(
      kinds,
      kinds.map((_, i) => kinds[(i + shift) % size] as SceneKind),
    );
  });
}

/** Each kind's picture once with its own words, and once with the words of another kind of the round. */
const planMismatches: Round = (kinds, others) =>
  kinds.flatMap((imageKind, i): Pairing[] => [
    { imageKind, captionKind: imageKind, otherKind: null, label: 0 },
    { imageKind, captionKind: others[i] as SceneKind, otherKind: null, label: 1 },
  ]);

/** Words of a present and a past kind, once with the picture of the one and once with that of the other. */
const planSequences: Round = (kinds, others) =>
  kinds.flatMap((captionKind, i): Pairing[] => {
    const otherKind = others[i] as SceneKind;
    return [
      { imageKind: captionKind, captionKind, otherKind, label: 0 },
      { imageKind: otherKind, captionKind, otherKind, label: 1 },
    ];
  });

/** Three kinds make four posts: both pictures of one kind and another, each with the words of both. */
function planPairs(random: Random): Pairing[] {
  const [otherKind, ...choices] = random.shuffle([...sceneKinds]).slice(0, 3) as [SceneKind, SceneKind, SceneKind];
  return choices.flatMap((imageKind) =>
    choices.map((captionKind): Pairing => {
      return { imageKind, captionKind, otherKind, label: imageKind === captionKind ? 0 : 1 };
    }),
  );
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

function checkCount(count: number, multiple: number): void {
  if (Number.isInteger(count) && count >= 4 && count % multiple === 0) return;
  const wanted = multiple === 2 ? 'an even number' : `a multiple of ${multiple}`;
  const message = `a split of demo posts must have ${wanted} of at least 4 posts, so that every kind is as often REAL as FAKE, got ${count}`;
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
