import { type ObjectStore, readAll } from '@crosscheck/storage';
import {
  dayOf,
  type FeedbackRecord,
  feedbackSchema,
  folders,
  requestOf,
  type VerdictRecord,
  verdictSchema,
} from './records.ts';

/** What a desk said last of a verdict. */
export interface Answered {
  feedback: FeedbackRecord;
  /** Null where no process has written that verdict. */
  verdict: VerdictRecord | null;
}

export interface FeedbackData {
  /** One for each verdict that somebody spoke of, the oldest first. */
  answered: Answered[];
  /** All that were given. */
  verdicts: VerdictRecord[];
  /** Lines and files that are not ours. */
  unreadable: string[];
}

const nameOf = ({ request_id: id, post }: { request_id: string; post: number }) => `${id} ${post}`;

/** Reads a store, and joins what the desk said to the verdicts, whichever process gave them; of several answers the last counts. */
export async function readFeedback(store: ObjectStore): Promise<FeedbackData> {
  const unreadable: string[] = [];
  const verdicts = await readVerdicts(store, unreadable);
  const byName = new Map(verdicts.map((verdict) => [nameOf(verdict), verdict]));
  const said: FeedbackRecord[] = [];
  for (const key of await store.list('feedback')) {
    const record = feedbackSchema.safeParse(parse((await readAll(store, key)).toString()));
    if (record.success) said.push(record.data);
    else unreadable.push(key);
  }
  said.sort((a, b) => a.time.localeCompare(b.time));
  const last = new Map(said.map((feedback) => [nameOf(feedback), feedback]));
  const answered = [...last.values()].map((feedback) => ({
    feedback,
    verdict: feedback.verdict ?? byName.get(nameOf(feedback)) ?? null,
  }));
  return { answered, verdicts, unreadable };
}

async function readVerdicts(store: ObjectStore, unreadable: string[]): Promise<VerdictRecord[]> {
  const verdicts: VerdictRecord[] = [];
  for (const key of await store.list('verdicts')) {
    for (const line of linesOf(await readAll(store, key))) {
      const record = verdictSchema.safeParse(parse(line));
      if (record.success) verdicts.push(record.data);
      else unreadable.push(key);
    }
  }
  return verdicts;
}

const linesOf = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Deletes everything of one request: what was said, its post, and its lines among the verdicts. @returns what was deleted */
export async function deleteRequest(store: ObjectStore, requestId: string): Promise<string[]> {
  const keys = [...(await store.list('feedback')), ...(await store.list('images'))];
  const gone = keys.filter((key) => requestOf(key) === requestId);
  for (const key of gone) await store.remove(key);
  for (const key of await store.list('verdicts')) {
    const lines = linesOf(await readAll(store, key));
    const others = lines.filter((line) => (parse(line) as { request_id?: unknown } | null)?.request_id !== requestId);
    if (others.length === lines.length) continue;
    gone.push(`${lines.length - others.length} of ${key}`);
    if (others.length === 0) await store.remove(key);
    else await store.write(key, Buffer.from(`${others.join('\n')}\n`));
  }
  return gone;
}

/** Deletes whole days. @param before `2026-12-01`: that day stays */
export async function deleteBefore(store: ObjectStore, before: string): Promise<string[]> {
  const keys = (await Promise.all(folders.map((folder) => store.list(folder)))).flat();
  const gone = keys.filter((key) => /^\d{4}-\d\d-\d\d$/.test(dayOf(key)) && dayOf(key) < before);
  for (const key of gone) await store.remove(key);
  return gone;
}
