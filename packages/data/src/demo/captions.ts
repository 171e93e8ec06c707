import type { Random } from '@crosscheck/contract';
import type { SceneKind } from './kinds.ts';
import { kindWords, sharedWords, templates } from './lexicon.ts';

/**
 * Writes one short news line about a kind of scene, such as "Breaking: a blizzard closes schools near Corvale".
 *
 * @param random decides everything; the same stream gives the same line
 */
export function writeCaption(kind: SceneKind, random: Random): string {
  const { things, deeds, details } = kindWords[kind];
  const slots: Record<string, readonly string[]> = { thing: things, deed: deeds, detail: details, ...sharedWords };
  const choose = (options: readonly string[]) => options[random.int(options.length)] as string;
  const line = choose(templates).replace(/\{(\w+)\}/g, (_, slot: string) => choose(slots[slot] as readonly string[]));
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
