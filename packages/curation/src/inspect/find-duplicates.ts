import { createGroups, type Groups, joinByKey } from '../fingerprint/groups.ts';
import { nearPictures } from '../fingerprint/near-pictures.ts';
import { nearTexts } from '../fingerprint/near-texts.ts';
import { normalizeText } from '../fingerprint/normalize-text.ts';
import type { InspectedPost } from './inspect-posts.ts';

/** In what two posts are alike; `near_picture` and `near_text` include what is equal. */
export type Likeness = 'picture' | 'near_picture' | 'text' | 'near_text';

export const likenesses: readonly Likeness[] = ['picture', 'near_picture', 'text', 'near_text'];

/** Groups of posts that are alike, by their positions. */
export type Duplicates = Record<Likeness, Groups>;

/**
 * Finds posts with the same or nearly the same picture, and with the same or nearly the same words. Faulty pictures and blank texts are
 * like nothing.
 *
 * - `picture`: the same bytes; `near_picture`: the same scene, scaled, recompressed, brightened or lightly cropped
 * - `text`: the same words, whatever their case and punctuation; `near_text`: at least four fifths of the words
 */
export function findDuplicates(posts: readonly InspectedPost[]): Duplicates {
  const groups = () => createGroups(posts.length);
  const found: Duplicates = { picture: groups(), near_picture: groups(), text: groups(), near_text: groups() };
  const pictureKey = ({ picture, fault }: InspectedPost) => (fault === null && picture ? picture.sha256 : null);
  const textKey = ({ sample }: InspectedPost) => (sample.text.trim() === '' ? null : normalizeText(sample.text));
  for (const likeness of ['picture', 'near_picture'] as const) joinByKey(found[likeness], posts, pictureKey);
  for (const likeness of ['text', 'near_text'] as const) joinByKey(found[likeness], posts, textKey);
  joinNearPictures(posts, found.near_picture);
  joinNearTexts(posts, found.near_text);
  return found;
}

/** Compares one post of every picture. */
function joinNearPictures(posts: readonly InspectedPost[], groups: Groups): void {
  const leaders = [...posts.keys()].filter((i) => groups.leaderOf(i) === i && isSound(posts[i] as InspectedPost));
  const pictures = leaders.map((i) => (posts[i] as InspectedPost).picture as NonNullable<InspectedPost['picture']>);
  for (const [a, b] of nearPictures(pictures)) groups.join(leaders[a] as number, leaders[b] as number);
}

const isSound = ({ picture, fault }: InspectedPost) => picture !== null && fault === null;

/** Compares one post of every text. */
function joinNearTexts(posts: readonly InspectedPost[], groups: Groups): void {
  const leaders = [...posts.keys()].filter((i) => groups.leaderOf(i) === i);
  const texts = leaders.map((i) => (posts[i] as InspectedPost).sample.text);
  for (const [a, b] of nearTexts(texts)) groups.join(leaders[a] as number, leaders[b] as number);
}
