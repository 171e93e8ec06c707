import type { Duplicates } from '../inspect/find-duplicates.ts';
import type { InspectedPost } from '../inspect/inspect-posts.ts';

/** Why a row is not in any split. */
export type DropReason =
  | 'unusable'
  | 'unreadable picture'
  | 'tiny picture'
  | 'flat picture'
  | 'placeholder picture'
  | 'blank text'
  | 'contradicting labels'
  | 'repeated post';

/**
 * Which posts to leave out, by position: faulty pictures, posts without words, all posts that occur with both labels, and all but the
 * first of posts that occur again.
 */
export function findDrops(
  posts: readonly InspectedPost[],
  { near_picture, text }: Duplicates,
): Map<number, DropReason> {
  const drops = new Map<number, DropReason>();
  for (const [i, { fault, sample }] of posts.entries()) {
    if (fault !== null) drops.set(i, `${fault} picture`);
    else if (sample.text.trim() === '') drops.set(i, 'blank text');
  }
  const sound = [...posts.keys()].filter((i) => !drops.has(i));
  for (const members of Map.groupBy(sound, (i) => `${near_picture.leaderOf(i)} ${text.leaderOf(i)}`).values()) {
    const labels = new Set(members.map((i) => posts[i]?.sample.label));
    if (labels.size > 1) for (const i of members) drops.set(i, 'contradicting labels');
    else for (const i of members.slice(1)) drops.set(i, 'repeated post');
  }
  return drops;
}
