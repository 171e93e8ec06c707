/** Joins items into groups (union–find, Galler and Fischer 1964). */
export interface Groups {
  join: (a: number, b: number) => void;
  /** The smallest item of the group that the item is in. */
  leaderOf: (item: number) => number;
  /** Groups of at least two, by their smallest item. */
  shared: () => number[][];
}

export function createGroups(size: number): Groups {
  const parents = Int32Array.from({ length: size }, (_, i) => i);
  const leaderOf = (item: number): number => {
    let at = item;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  };
  return {
    leaderOf,
    join(a, b) {
      const [first, second] = [leaderOf(a), leaderOf(b)];
      parents[Math.max(first, second)] = Math.min(first, second);
    },
    shared() {
      const members = Map.groupBy(parents.keys(), leaderOf);
      return [...members.values()].filter((group) => group.length > 1);
    },
  };
}

/** Joins all items that have the same key; `null` joins with nothing. */
export function joinByKey<T>(
  groups: Groups,
  items: readonly T[],
  keyOf: (item: T, index: number) => string | null,
): void {
  const first = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item, i);
    if (key === null) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, i);
    else groups.join(earlier, i);
  }
}
