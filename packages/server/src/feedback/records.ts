import { randomUUID } from 'node:crypto';
import { labelNames } from '@crosscheck/contract';
import { z } from 'zod';

/** What a desk can say of a post. */
export const deskLabels = [...labelNames, 'UNKNOWN'] as const;

/** A verdict that was given, as the store keeps it: nothing of the post. */
export const verdictSchema = z.object({
  request_id: z.string(),
  /** Among the posts of one request. */
  post: z.int(),
  time: z.string(),
  prediction: z.enum(labelNames),
  probability_fake: z.number(),
  threshold: z.number(),
  model: z.object({ name: z.string(), version: z.string() }),
});

export type VerdictRecord = z.infer<typeof verdictSchema>;

/** What a desk said. */
export const feedbackSchema = z.object({
  request_id: z.string(),
  post: z.int(),
  time: z.string(),
  label: z.enum(deskLabels),
  note: z.string().nullable(),
  /** Null where another process gave it: the report joins them by id. */
  verdict: verdictSchema.nullable(),
  /** Only with serve.feedback.keep_posts: the text, and the key of the image. */
  kept: z.object({ text: z.string(), image: z.string().nullable() }).nullable(),
});

export type FeedbackRecord = z.infer<typeof feedbackSchema>;

/** The folders of a store; below each one folder for a day, so that whole days can be deleted. */
export const folders = ['verdicts', 'feedback', 'images'] as const;

const day = (time: string) => time.slice(0, 10);

/** Keys sort by time; the last part lets many processes write. */
export const keyOf = {
  verdicts: (time: string) => `verdicts/${day(time)}/${time.replaceAll(/[:.]/g, '-')}-${randomUUID()}.jsonl`,
  feedback: (time: string, id: string, post: number) => `feedback/${day(time)}/${id}.${post}.${randomUUID()}.json`,
  image: (time: string, id: string, post: number) => `images/${day(time)}/${id}.${post}.${randomUUID()}`,
};

/** The request that a key of feedback or of an image is about. */
export function requestOf(key: string): string {
  const name = key.split('/').at(-1) ?? '';
  return name.replace(/\.\d+\.[\da-f-]{36}(?:\.json)?$/, '');
}

/** The day of a key: `2026-12-01`. */
export function dayOf(key: string): string {
  return key.split('/')[1] ?? '';
}
