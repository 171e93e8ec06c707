import { type Attributes, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formRequest, postForm } from './forms.ts';
import { picture, tinyService } from './tiny-service.ts';

const service = tinyService();

interface Recorded {
  name: string;
  attributes: Attributes;
  status: SpanStatusCode | null;
  isEnded: boolean;
}

const spans: Recorded[] = [];

/** The smallest tracing SDK: it remembers spans. */
function startSpan(name: string, attributes: Attributes): Span {
  const recorded: Recorded = { name, attributes: { ...attributes }, status: null, isEnded: false };
  spans.push(recorded);
  const span: Partial<Span> = {
    setAttribute: (key, value) => ((recorded.attributes[key] = value), span as Span),
    setStatus: ({ code }) => ((recorded.status = code), span as Span),
    end: () => void (recorded.isEnded = true),
  };
  return span as Span;
}

const tracer = {
  startSpan: (name, options) => startSpan(name, options?.attributes ?? {}),
  startActiveSpan: (name: string, options: { attributes: Attributes }, work: (span: Span) => unknown) =>
    work(startSpan(name, options.attributes)),
} as Tracer;

beforeAll(() => void trace.setGlobalTracerProvider({ getTracer: () => tracer }));
afterAll(() => trace.disable());

test('a verdict is a span with the number of posts and the model, and a refusal carries its code', async () => {
  const app = await service.app();
  await app.inject(formRequest(postForm('words', picture)));
  await app.inject(formRequest(postForm('words', new Uint8Array(0))));
  await app.inject(formRequest(postForm('words', picture), '/explain'));
  const attributes = { 'crosscheck.posts': 1, 'crosscheck.model_version': 'tiny' };
  expect(spans).toEqual([
    { name: 'crosscheck.judge', attributes, status: null, isEnded: true },
    {
      name: 'crosscheck.judge',
      attributes: { ...attributes, 'error.type': 'CROSSCHECK_IMAGE_UNREADABLE' },
      status: SpanStatusCode.ERROR,
      isEnded: true,
    },
    { name: 'crosscheck.explain', attributes, status: null, isEnded: true },
  ]);
});
