import { CrosscheckError, createRandom, type LabelId, type RowSet } from '@crosscheck/contract';
import type { Manifest } from '@crosscheck/data';

/** The samples of a split, and which rows of the file they are. */
export interface SplitRows extends Manifest {
  rows: RowSet;
}

export interface Division {
  /** The key of the config that asks for it. */
  key: string;
  /** Of the samples, in the first part. */
  share: number;
  /** Names of both parts. */
  part: string;
  rest: string;
}

/**
 * Both parts of a divided split, with what tells them apart.
 *
 * @throws CROSSCHECK_DATA_NO_SAMPLES
 */
export function divideSplit(whole: SplitRows, division: Division): { part: SplitRows; rest: SplitRows } {
  const { key, share } = division;
  const how = key.slice(key.indexOf('.') + 1);
  const divided = divide(whole.samples, share, how);
  if (divided.part.length === 0 || divided.rest.length === 0) throw tooFewToDivide(whole, division);
  const named = (which: 'part' | 'rest'): SplitRows => ({
    ...whole,
    samples: divided[which],
    rows: { file: whole.rows.file, part: [...whole.rows.part, `${how}=${share}:${division[which]}`] },
  });
  return { part: named('part'), rest: named('rest') };
}

/**
 * Divides samples in two, with the same share of each label, both in the order of the file. The same samples are always divided
 * alike, whatever the seed of the run, so that runs with other seeds are judged on the same posts.
 */
function divide<T extends { label: LabelId | null }>(
  samples: readonly T[],
  share: number,
  how: string,
): { part: T[]; rest: T[] } {
  const chosen = new Set<T>();
  for (const label of [0, 1, null]) {
    const group = createRandom(how, String(label)).shuffle(samples.filter((sample) => sample.label === label));
    for (const sample of group.slice(0, Math.round(group.length * share))) chosen.add(sample);
  }
  return {
    part: samples.filter((sample) => chosen.has(sample)),
    rest: samples.filter((sample) => !chosen.has(sample)),
  };
}

function tooFewToDivide({ samples }: SplitRows, { key, share }: Division): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `${samples[0]?.file} has ${samples.length} usable rows, too few to be divided by ${key}=${share}; add rows, or name separate files`,
  );
}
