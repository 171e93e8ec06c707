import { CrosscheckError } from '@crosscheck/contract';
import { isMissing } from '@crosscheck/posts';
import { createGroups, type Groups, joinByKey } from '../fingerprint/groups.ts';
import type { Duplicates, Likeness } from '../inspect/find-duplicates.ts';
import type { InspectedPost } from '../inspect/inspect-posts.ts';
import { assignGroups } from './assign-groups.ts';
import type { LimitProfile } from './profile.ts';

export interface DivideOptions {
  shares: Readonly<Record<string, number>>;
  seed: number;
  /** Rows with the same value in one of these stay on one side; blank values bind nothing. */
  groupColumns: readonly string[];
  stratifyColumns: readonly string[];
  nearTexts: boolean;
  profile: LimitProfile;
}

export interface Division {
  /** Of all posts. */
  groups: Groups;
  /** Positions of the kept posts, by group. */
  members: number[][];
  /** The split of each group. */
  assigned: string[];
  /** Likenesses that keep posts on one side. */
  binding: Likeness[];
  /** Likenesses that would, but join so many posts that the shares asked for cannot be met. */
  unbound: Likeness[];
}

/** Rows of a split may miss or exceed what was asked for by this share of all rows. */
const MOST_AMISS = 0.03;

/**
 * Divides posts so that alike ones stay on one side. Chains of likeness may join nearly all posts (captions of one pattern, words that
 * are borrowed by design): what binds is then given up step by step, nearly equal words first, equal words where these repeat by
 * design, pictures never.
 *
 * @param kept positions of the posts that are divided
 * @throws CROSSCHECK_DATA_NO_SAMPLES when a split would be left without posts
 */
export function dividePosts(
  posts: readonly InspectedPost[],
  kept: readonly number[],
  duplicates: Duplicates,
  options: DivideOptions,
): Division {
  const steps = bindingSteps(options);
  const wanted = steps[0] as Likeness[];
  for (const [i, binding] of steps.entries()) {
    const divided = divideBy(binding, posts, kept, duplicates, options);
    if (i < steps.length - 1 && isAmiss(divided, kept.length, options.shares)) continue;
    requirePosts(divided, kept.length, options);
    return { ...divided, binding, unbound: wanted.filter((likeness) => !binding.includes(likeness)) };
  }
  throw new Error('there is always a last step');
}

/** What binds posts, the strictest first. */
function bindingSteps({ nearTexts, profile }: DivideOptions): Likeness[][] {
  const steps: Likeness[][] = [['near_picture', 'text']];
  if (nearTexts) steps.unshift(['near_picture', 'near_text']);
  if (profile === 'out_of_context') steps.push(['near_picture']);
  return steps;
}

// oxlint-disable-next-line max-params -- what binds, and what is bound
function divideBy(
  binding: readonly Likeness[],
  posts: readonly InspectedPost[],
  kept: readonly number[],
  duplicates: Duplicates,
  options: DivideOptions,
): Pick<Division, 'groups' | 'members' | 'assigned'> {
  const groups = createGroups(posts.length);
  for (const likeness of binding) for (const i of posts.keys()) groups.join(i, duplicates[likeness].leaderOf(i));
  for (const column of options.groupColumns) {
    joinByKey(groups, posts, ({ sample }) => {
      const value = sample.row[column] ?? '';
      return isMissing(value) ? null : value.trim();
    });
  }
  const members = [...Map.groupBy(kept, groups.leaderOf).values()];
  const described = members.map((group) =>
    describeGroup(
      group.map((i) => posts[i] as InspectedPost),
      options,
    ),
  );
  return { groups, members, assigned: assignGroups(described, options.shares, options.seed) };
}

function describeGroup(group: readonly InspectedPost[], { stratifyColumns }: DivideOptions) {
  const sizes = new Map<string, number>();
  for (const { sample } of group) {
    const stratum = [sample.label, ...stratifyColumns.map((name) => sample.row[name])].join(' ');
    sizes.set(stratum, (sizes.get(stratum) ?? 0) + 1);
  }
  const keys = group.map(({ sample, picture }) => `${picture?.sha256 ?? ''} ${sample.label} ${sample.text}`);
  return { key: keys.sort()[0] as string, sizes };
}

type Divided = Pick<Division, 'members' | 'assigned'>;

function rowsOf({ members, assigned }: Divided, split: string): number {
  return members.reduce((sum, group, g) => sum + (assigned[g] === split ? group.length : 0), 0);
}

function isAmiss(divided: Divided, rows: number, shares: DivideOptions['shares']): boolean {
  return Object.entries(shares).some(
    ([split, share]) => Math.abs(rowsOf(divided, split) - share * rows) > Math.max(1, MOST_AMISS * rows),
  );
}

function requirePosts(divided: Divided, rows: number, { shares, profile }: DivideOptions): void {
  const empty = Object.keys(shares).find((name) => (shares[name] as number) > 0 && rowsOf(divided, name) === 0);
  if (empty === undefined) return;
  const largest = divided.members.reduce((most, group) => Math.max(most, group.length), 0);
  const remedy =
    profile === 'default'
      ? 'pictures and words that repeat by design are for profile=out_of_context, which lets words repeat; else set another group_column'
      : 'set another group_column, or give fewer splits a share';
  throw new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `expected posts for ${empty}, got none: ${rows} posts form ${divided.members.length} groups that must stay on one side, the largest of ${largest}; ${remedy}`,
  );
}
