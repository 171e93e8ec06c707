import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Judged, Task } from './train-heads.ts';

export interface Answered extends Task {
  judged: Judged;
}

/** What trained heads said to every post, a line of JSON each. */
export interface KeptAnswers {
  has(task: Task): boolean;
  add(task: Task, judged: Judged): void;
  all(): readonly Answered[];
}

const nameOf = ({ difficulty, split, variant, seed }: Task) => [difficulty, split, variant, seed].join('/');

export function openAnswers(file: string): KeptAnswers {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const kept = new Map(
    lines.map((line) => JSON.parse(line) as Answered).map((answered) => [nameOf(answered), answered]),
  );
  return {
    has: (task) => kept.has(nameOf(task)),
    add(task, judged) {
      const answered = { ...task, judged };
      appendFileSync(file, `${JSON.stringify(answered)}\n`);
      kept.set(nameOf(task), answered);
    },
    all: () => [...kept.values()],
  };
}
