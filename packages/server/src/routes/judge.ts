import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import type { Classifier, Post, Prediction } from '@crosscheck/inference';
import { type Attributes, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyReply } from 'fastify';
import { clientGone } from '../http/read-body.ts';
import { version } from '../version.ts';

/** Judges posts for one request: dropped when the deadline passes or the client leaves. A span, where tracing is set up. */
export function judge(
  classifier: Classifier,
  posts: Post[],
  { reply, deadlineMs }: { reply: FastifyReply; deadlineMs: number },
): Promise<Prediction[]> {
  return traced({ 'crosscheck.posts': posts.length, 'crosscheck.model_version': classifier.artifact.version }, () =>
    classifier.classify(posts, { signal: disconnectSignal(reply), timeoutMs: deadlineMs }),
  );
}

// Without an OpenTelemetry SDK in the process this tracer does nothing.
const tracer = trace.getTracer('crosscheck', version);

function traced<T>(attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan('crosscheck.judge', { attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      if (isCrosscheckError(error)) span.setAttribute('error.type', error.code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
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
