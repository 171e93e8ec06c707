import path from 'node:path';
import type { ComparedSetting } from '@crosscheck/report';
import type { ReadRun } from './read-run.ts';

type Runs = readonly [ReadRun, ReadRun];

/** Short names that tell the two runs apart: as many of their last folders as that takes. */
export function namesOf([a, b]: readonly [string, string]): [string, string] {
  const parts = [a, b].map((folder) => path.resolve(folder).split(path.sep).filter(Boolean)) as [string[], string[]];
  for (let count = 1; count <= Math.max(parts[0].length, parts[1].length); count++) {
    const [first, second] = parts.map((folders) => folders.slice(-count).join('/')) as [string, string];
    if (first !== second) return [first, second];
  }
  return [`${parts[0].at(-1)} (first)`, `${parts[1].at(-1)} (second)`];
}

/** Keys of which the values differ, in the first run's order; `null` where a run does not have one. */
function differing(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): ComparedSetting[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key])
    .map((key) => ({ key, values: [a[key] ?? null, b[key] ?? null] }));
}

/** Config keys that differ; none where a run's config is not known. */
export function settingsThatDiffer([a, b]: Runs): ComparedSetting[] {
  return a.config === null || b.config === null ? [] : differing(a.config, b.config);
}

/** sha256 and part of every split that a run was trained or judged on. */
export function dataOf({ judged }: ReadRun): Record<string, string> {
  const entries = judged.flatMap(({ result: { split, data, trainedOn } }) => [
    [split, textOf(data)],
    ...(trainedOn === null ? [] : [['train', textOf(trainedOn)]]),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

const textOf = ({ file, part }: { file: string; part: readonly string[] }) =>
  [`${file.slice(0, 16)}…`, ...part].join(' ');

/** Both runs' splits beside each other, equal or not. */
export function comparedData([a, b]: Runs): ComparedSetting[] {
  const [first, second] = [dataOf(a), dataOf(b)];
  return [...new Set([...Object.keys(first), ...Object.keys(second)])].map((key) => ({
    key,
    values: [first[key] ?? null, second[key] ?? null],
  }));
}

/** What each run is. */
export function comparedRuns([a, b]: Runs): ComparedSetting[] {
  const [first, second] = [factsOf(a), factsOf(b)];
  return Object.keys({ ...first, ...second }).map((key) => ({
    key,
    values: [first[key] ?? null, second[key] ?? null],
  }));
}

function factsOf({ folder, epochs, judged }: ReadRun): Record<string, string> {
  const { result } = judged[0] ?? {};
  return {
    folder: path.resolve(folder),
    ...(result && { model: `${result.name} ${result.version}`, checkpoint: result.model }),
    ...(epochs.length > 0 && { epochs: String(epochs.length) }),
  };
}
