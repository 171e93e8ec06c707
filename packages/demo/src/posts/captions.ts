import type { Random } from '@crosscheck/contract';
import type { SceneKind } from './kinds.ts';
import { kindWords, pairTemplates, sequenceTemplates, sharedWords, templates } from './lexicon.ts';

/**
 * Writes one short news line about a kind of scene, such as "Breaking: a blizzard closes schools near Corvale".
 *
 * @param random decides everything; the same stream gives the same line
 */
export function writeCaption(kind: SceneKind, random: Random): string {
  return fill(templates, slotsOf(kind), random);
}

/** The same about two scenes: what is, and what was before it. */
export function writeSequence(now: SceneKind, before: SceneKind, random: Random): string {
  return fill(sequenceTemplates, { ...slotsOf(now), other: kindWords[before].things }, random);
}

/** The same about two scenes at once. */
export function writePair(first: SceneKind, second: SceneKind, random: Random): string {
  const { things: other, deeds: otherDeed } = kindWords[second];
  return fill(pairTemplates, { ...slotsOf(first), other, otherDeed }, random);
}

type Slots = Record<string, readonly string[]>;

function slotsOf(kind: SceneKind): Slots {
  const { things, deeds, details } = kindWords[kind];
  return { thing: things, deed: deeds, detail: details, ...sharedWords };
}

function fill(lines: readonly string[], slots: Slots, random: Random): string {
  const choose = (options: readonly string[]) => options[random.int(options.length)] as string;
  const line = choose(lines).replace(/\{(\w+)\}/g, (_, slot: string) => choose(slots[slot] as readonly string[]));
  return line.charAt(0).toUpperCase() + line.slice(1);
}

/**
 * Every word and punctuation mark that captions can hold, split and lower-cased as BERT's tokenisers do, sorted: what a small
 * vocabulary for the demo posts must cover.
 */
export function captionVocabulary(): string[] {
  const phrases = [
    templates,
    ...Object.values(sharedWords),
    ...Object.values(kindWords).flatMap((words) => Object.values(words)),
  ].flat();
  const words = phrases.flatMap(
    (phrase) =>
      phrase
        .replace(/\{\w+\}/g, ' ')
        .toLowerCase()
        .match(/[a-z0-9]+|[^\sa-z0-9]/g) ?? [],
  );
  return [...new Set(words)].sort((a, b) => (a < b ? -1 : 1));
}
