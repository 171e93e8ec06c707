import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import type { Classifier, ClassifyOptions, Post, Prediction } from '@crosscheck/inference';
import { type Attributes, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyReply } from 'fastify';
import { clientGone } from '../http/read-body.ts';
import { version } from '../version.ts';

/** Judges posts that belong together: one that fails fails them all. A span, where tracing is set up. */
export function judge(classifier: Classifier, posts: Post[], limits: ClassifyOptions): Promise<Prediction[]> {
  const attributes = { 'crosscheck.posts': posts.length, 'crosscheck.model_version': classifier.artifact.version };
  return traced(attributes, () => classifier.classify(posts, limits));
}

/** The work of a request is dropped when its deadline passes or its client leaves. */
export function limitsOf(reply: FastifyReply, deadlineMs: number): ClassifyOptions {
  return { signal: disconnectSignal(reply), timeoutMs: deadlineMs };
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
