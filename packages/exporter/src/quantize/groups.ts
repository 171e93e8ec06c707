import type { Node } from '@crosscheck/network';

/** Nodes that are rounded together or stay in fp32 together: a block of the vision backbone, a layer of the text one, the projections. */
export type Group = string;

const patterns: readonly RegExp[] = [
  /^vision\/features\.\d+(\.\d+)?(?=\/)/,
  /^text\/layer\.\d+(?=\/)/,
  /^(?:vision|text)\/projection/,
  /^text(?=\/)/,
];

/** The group of a node; null for what is always computed in fp32, such as the fusion head, which decides and is small. */
export function groupOf({ name }: Node): Group | null {
  for (const pattern of patterns) {
    const [group] = pattern.exec(name) ?? [];
    if (group !== undefined) return group.endsWith('/projection') ? 'projections' : group;
  }
  return null;
}

/** Blocks in the order in which images pass them; 0 for the stem. */
export const stageOf = ({ name }: Node): number | null => {
  const found = /^vision\/features\.(\d+)/.exec(name);
  return found ? Number(found[1]) : null;
};
