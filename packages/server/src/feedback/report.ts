import { labelNames } from '@crosscheck/contract';
import { type Estimate, wilsonInterval } from '@crosscheck/evaluation';
import type { Answered, FeedbackData } from './read-feedback.ts';

/** How often one model was right in one week, by what the desk found. */
export interface FeedbackRow {
  /** Its Monday. */
  week: string;
  model: string;
  /** Given, spoken of as REAL or FAKE, and as undecided. */
  verdicts: number;
  labelled: number;
  undecided: number;
  correct: number;
  /** Null where nothing is labelled. */
  accuracy: Estimate | null;
}

export interface FeedbackReport {
  rows: FeedbackRow[];
  /** The same over all weeks, for each model. */
  models: FeedbackRow[];
  /** Feedback about verdicts that nobody has written down. */
  unknown: number;
  unreadable: string[];
}

/** The Monday of a day, in UTC. */
export function weekOf(time: string): string {
  const day = new Date(time);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

/** Accuracy since the roll-out, with Wilson's intervals of 95 %, by week and model. */
export function reportFeedback({ answered, verdicts, unreadable }: FeedbackData): FeedbackReport {
  const known = answered.filter(({ verdict }) => verdict !== null);
  const groups = new Map<string, Counted>();
  const groupOf = (week: string, model: string) => {
    const name = `${week} ${model}`;
    const group = groups.get(name) ?? { week, model, verdicts: 0, answered: [] };
    groups.set(name, group);
    return group;
  };
  for (const { time, model } of verdicts) groupOf(weekOf(time), model.version).verdicts++;
  for (const each of known) {
    const { time, model } = each.verdict as NonNullable<Answered['verdict']>;
    groupOf(weekOf(time), model.version).answered.push(each);
  }
  const sorted = [...groups.values()].toSorted((a, b) => `${a.week} ${a.model}`.localeCompare(`${b.week} ${b.model}`));
  const models = [...Map.groupBy(sorted, ({ model }) => model)].map(([model, parts]) => ({
    week: 'all',
    model,
    verdicts: parts.reduce((sum, part) => sum + part.verdicts, 0),
    answered: parts.flatMap((part) => part.answered),
  }));
  return { rows: sorted.map(toRow), models: models.map(toRow), unknown: answered.length - known.length, unreadable };
}

interface Counted {
  week: string;
  model: string;
  verdicts: number;
  answered: Answered[];
}

function toRow({ answered, ...counted }: Counted): FeedbackRow {
  const labelled = answered.filter(({ feedback }) => (labelNames as readonly string[]).includes(feedback.label));
  const correct = labelled.filter(({ feedback, verdict }) => feedback.label === verdict?.prediction).length;
  const accuracy = labelled.length === 0 ? null : wilsonInterval(correct, labelled.length);
  return { ...counted, labelled: labelled.length, undecided: answered.length - labelled.length, correct, accuracy };
}

/** A table for a terminal of 80 columns. */
export function* describeReport({ rows, models, unknown, unreadable }: FeedbackReport): Generator<string> {
  yield 'week        model               verdicts labelled undecided accuracy';
  for (const { week, model, verdicts, labelled, undecided, accuracy } of [...rows, ...models]) {
    const counts = [String(verdicts).padStart(8), String(labelled).padStart(8), String(undecided).padStart(9)];
    yield `${week.padEnd(11)} ${model.slice(0, 18).padEnd(18)} ${counts.join(' ')} ${describeAccuracy(accuracy)}`;
  }
  if (unknown > 0) yield `${unknown} answers are about verdicts that nobody has written down; they count nowhere.`;
  if (unreadable.length > 0) yield `${unreadable.length} records are not the service's, the first in ${unreadable[0]}.`;
  yield 'The desk chooses what it looks at: this is the accuracy on those posts, not on all.';
}

function describeAccuracy(accuracy: Estimate | null): string {
  if (accuracy === null) return '–';
  const { value, low, high } = accuracy;
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}
