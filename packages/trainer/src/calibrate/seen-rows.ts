import type { RowSet, SeenRows } from '@crosscheck/contract';

/** What some posts were used for before. */
export type RowUse = 'training' | 'choosing the checkpoint' | 'calibration';

/** Parts that were made alike and are called differently are apart; everything else of the same file may overlap. */
export function mayOverlap(a: RowSet, b: RowSet): boolean {
  if (a.file !== b.file) return false;
  const steps = Math.min(a.part.length, b.part.length);
  const fork = a.part.slice(0, steps).findIndex((step, i) => step !== b.part[i]);
  return fork < 0 || howOf(a.part[fork]) !== howOf(b.part[fork]);
}

/** `holdout=0.5` of `holdout=0.5:kept`; a step without a name stands alone. */
function howOf(step = ''): string {
  return step.includes(':') ? step.slice(0, step.lastIndexOf(':')) : step;
}

/** What the rows were used for before; null for a checkpoint that does not say which rows it has seen. */
export function usesOf(
  rows: RowSet,
  { seenRows, calibration }: { seenRows?: SeenRows | undefined; calibration?: { rows: RowSet } | undefined },
): RowUse[] | null {
  if (!seenRows) return null;
  const uses: [RowUse, RowSet | undefined][] = [
    ['training', seenRows.train],
    ['choosing the checkpoint', seenRows.val],
    ['calibration', calibration?.rows],
  ];
  return uses.flatMap(([use, used]) => (used && mayOverlap(rows, used) ? [use] : []));
}
