import type { Classifier, Post, Prediction } from '@crosscheck/inference';
import type { FastifyReply } from 'fastify';
import { clientGone } from '../http/read-body.ts';

/** Judges posts for one request: dropped when the deadline passes or the client leaves. */
export function judge(
  classifier: Classifier,
  posts: Post[],
  { reply, deadlineMs }: { reply: FastifyReply; deadlineMs: number },
): Promise<Prediction[]> {
  return classifier.classify(posts, { signal: disconnectSignal(reply), timeoutMs: deadlineMs });
}

function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const leave = () => {
    if (!raw.writableEnded) controller.abort(clientGone());
  };
  if (raw.closed) leave();
  else raw.once('close', leave);
  return controller.signal;
}
