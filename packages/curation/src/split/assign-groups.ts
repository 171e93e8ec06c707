import { combineSeeds } from '@crosscheck/contract';

/** Items that must stay on one side. */
export interface SplitGroup {
  /** What identifies the group, whatever the order of its rows. */
  key: string;
  /** Items per stratum. */
  sizes: ReadonlyMap<string, number>;
}

/**
 * Gives every group a split, so that each stratum is divided in the proportions asked for, as nearly as whole groups allow: the
 * largest group first, each to the split that misses most of what the group has. Groups of one size come in an order that the seed
 * and their keys decide, so the order of the input does not matter.
 *
 * @param shares by split; they add up to 1
 * @returns the split's name per group
 */
export function assignGroups(
  groups: readonly SplitGroup[],
  shares: Readonly<Record<string, number>>,
  seed: number,
): string[] {
  const totals = new Map<string, number>();
  for (const { sizes } of groups)
    for (const [stratum, size] of sizes) totals.set(stratum, (totals.get(stratum) ?? 0) + size);
  const missing = Object.entries(shares).map(([name, share]) => ({
    name,
    counts: new Map([...totals].map(([stratum, total]) => [stratum, total * share])),
  }));
  const drawn = groups.map(({ key, sizes }, index) => ({
    index,
    sizes,
    size: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    ticket: combineSeeds(seed, 'split', key),
    key,
  }));
  drawn.sort((a, b) => b.size - a.size || a.ticket - b.ticket || (a.key < b.key ? -1 : 1));
  const result: string[] = [];
  for (const { index, sizes } of drawn) {
    const need = (counts: Map<string, number>) =>
      [...sizes].reduce((sum, [stratum, size]) => sum + size * (counts.get(stratum) as number), 0);
    const best = missing.reduce((a, b) => (need(b.counts) > need(a.counts) ? b : a));
    for (const [stratum, size] of sizes) best.counts.set(stratum, (best.counts.get(stratum) as number) - size);
    result[index] = best.name;
  }
  return result;
}
