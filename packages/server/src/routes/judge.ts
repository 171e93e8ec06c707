import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import type { Classifier, ClassifyOptions, Explanation, Post, Prediction } from '@crosscheck/inference';
import { type Attributes, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyReply } from 'fastify';
import { clientGone } from '../http/outcome.ts';
import { version } from '../version.ts';

/** Judges posts that belong together: one that fails fails them all. A span, where tracing is set up. */
export function judge(classifier: Classifier, posts: Post[], limits: ClassifyOptions): Promise<Prediction[]> {
  return traced('crosscheck.judge', attributesOf(classifier, posts.length), () => classifier.classify(posts, limits));
}

/** Judges a post and says why. A span, too. */
export function explain(classifier: Classifier, post: Post, limits: ClassifyOptions): Promise<Explanation> {
  return traced('crosscheck.explain', attributesOf(classifier, 1), () => classifier.explain(post, limits));
}

function attributesOf({ artifact }: Classifier, posts: number): Attributes {
  return { 'crosscheck.posts': posts, 'crosscheck.model_version': artifact.version };
}

/** The work of a request is dropped when its deadline passes or its client leaves. */
export function limitsOf(reply: FastifyReply, deadlineMs: number): ClassifyOptions {
  return { signal: disconnectSignal(reply), timeoutMs: deadlineMs };
}

// Without an OpenTelemetry SDK in the process this tracer does nothing.
const tracer = trace.getTracer('crosscheck', version);

function traced<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
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

/** Aborted when the client leaves. */
export function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const leave = () => {
    if (!raw.writableEnded) controller.abort(clientGone());
  };
  if (raw.closed) leave();
  else raw.once('close', leave);
  return controller.signal;
}
