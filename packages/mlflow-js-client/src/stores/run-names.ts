import { randomInt, randomUUID } from 'node:crypto';

const ADJECTIVES =
  'able amber bold brave brisk calm clever eager fair fine fleet gentle glad grand keen kind lively lucky merry nimble placid proud quick quiet rare sharp sleek smart stately swift upbeat wise'.split(
    ' ',
  );
const ANIMALS =
  'ant ape auk bat bear bee boar cod colt crab crow deer dove duck eel elk finch fox frog gnu goat hare hawk hen ibis jay kite koi lamb lark lynx mole moth newt owl ox pug ram rook seal shad slug snail stag swan toad vole wasp wolf wren yak'.split(
    ' ',
  );

/** A name such as `bold-heron-412`, in the manner of MLflow's server. */
export function generateRunName(): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)] ?? '';
  return `${pick(ADJECTIVES)}-${pick(ANIMALS)}-${randomInt(1000)}`;
}

/** 32 hex digits. */
export function generateRunId(): string {
  return randomUUID().replaceAll('-', '');
}

export function generateModelId(): string {
  return `m-${generateRunId()}`;
}
