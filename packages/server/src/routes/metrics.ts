import type { Classifier, ClassifierStats, HistogramSnapshot } from '@crosscheck/inference';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { onOutcome } from '../http/outcome.ts';
import type { ReloadHistory } from '../supervisor/protocol.ts';
import type { RouteContext } from './context.ts';

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** `GET /metrics`, in Prometheus' text format. Measures the routes that are registered after it. @returns for what others measure */
export function addMetrics(app: FastifyInstance, { service, budget, explanations }: RouteContext): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureRequests(app, registry);
  gauge(registry, 'crosscheck_requests_in_flight', 'Requests without an answer yet', () => service.inFlight);
  gauge(registry, 'crosscheck_upload_bytes', 'Bytes of request bodies in memory', () => budget.used);
  app.get(
    '/metrics',
    { config: { isQuiet: true }, schema: { summary: 'Metrics for Prometheus', tags: ['health'] } },
    async (_request, reply) => {
      const stats = service.stats();
      const ofModel = stats === null ? [] : [describeModel(service.requireModel()), ...describeStats(stats)];
      const lines = [await registry.metrics(), ...describeHistory(service.history), ...ofModel];
      lines.push(
        simple('explanations_cached_total', 'counter', 'Explanations answered from memory', explanations.hits),
      );
      return reply.type(registry.contentType).send(`${lines.join('\n')}\n`);
    },
  );
  return registry;
}

function measureRequests(app: FastifyInstance, registry: Registry): void {
  const labelNames = ['method', 'route', 'status'] as const;
  const seconds = new Histogram({
    name: 'crosscheck_request_seconds',
    help: 'From the headers of a request to the end of its answer',
    labelNames,
    buckets: secondsBuckets,
    registers: [registry],
  });
  const errors = new Counter({
    name: 'crosscheck_errors_total',
    help: 'Requests that were answered with an error, by its code',
    labelNames: ['code'],
    registers: [registry],
  });
  onOutcome(app, ({ request, status, failure, ms }) => {
    if (failure) errors.inc({ code: failure.code });
    const { url: route = 'unknown', config } = request.routeOptions;
    if (!config.isQuiet) seconds.observe({ method: request.method, route, status }, ms / 1000);
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const registers = [registry];
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}

/** Outlives the processes that it is about. */
function describeHistory({ reloads, failures, crashes, lastFailure }: ReloadHistory): string[] {
  const failed = head('reload_last_failure', 'gauge', 'Why the last new model was refused');
  return [
    simple('reloads_total', 'counter', 'New models taken up', reloads),
    simple('reload_failures_total', 'counter', 'New models refused', failures),
    simple('crashes_total', 'counter', 'Processes that ended unexpectedly and were replaced', crashes),
    ...(lastFailure === null ? [] : [`${failed}\ncrosscheck_reload_last_failure{code="${lastFailure.code}"} 1`]),
  ];
}

/** The classifier counts for itself; these lines only say it in Prometheus' words. */
function describeStats(stats: ClassifierStats): string[] {
  return [
    simple('queue_depth', 'gauge', 'Posts that are decoded or wait', stats.queueDepth),
    simple('queue_limit', 'gauge', 'Posts that may be decoded or wait', stats.queueLimit),
    simple('explanations', 'gauge', 'Explanations that wait or are worked out', stats.explanations),
    simple('explanations_limit', 'gauge', 'Explanations that may wait or be worked out', stats.explanationLimit),
    simple(
      'explanations_at_once',
      'gauge',
      'Explanations that are worked out at the same time',
      stats.explanationsAtOnce,
    ),
    ...describeDecoding(stats.decoding),
    simple('workers', 'gauge', 'Inference threads that are alive', stats.workers),
    simple('workers_busy', 'gauge', 'Inference threads that compute', stats.busyWorkers),
    simple('posts_total', 'counter', 'Posts judged', stats.posts),
    simple('post_failures_total', 'counter', 'Posts that ended in an error', stats.failures),
    simple('posts_refused_total', 'counter', 'Posts refused because the queue was full', stats.refused),
    histogram('batch_size', 'Posts per batch', stats.batchSize),
    histogram(
      'decode_seconds',
      'Decoding one picture; in a process of its own, with the time that it waits',
      stats.decodeSeconds,
    ),
    histogram('queue_seconds', 'Waiting for a place in a batch', stats.queueSeconds),
    histogram('inference_seconds', 'One batch inside onnxruntime', stats.inferenceSeconds),
  ];
}

function describeDecoding({ cheap, expensive, ended, bytes, byteLimit }: ClassifierStats['decoding']): string[] {
  return [
    `${head('decoding', 'gauge', 'Pictures that are decoded in processes of their own, or wait for one')}
crosscheck_decoding{cost="cheap"} ${cheap}
crosscheck_decoding{cost="expensive"} ${expensive}`,
    simple(
      'decoders_ended_total',
      'counter',
      'Processes that were ended because nobody waited for their picture',
      ended,
    ),
    simple('decoded_bytes', 'gauge', 'Memory that pictures take while they are decoded', bytes),
    simple('decoded_bytes_limit', 'gauge', 'Memory that they may take', byteLimit),
  ];
}

function describeModel({ artifact, threshold, abstainBand: band }: Classifier): string {
  const { name, version, precision, source, temperature } = artifact;
  const labels = {
    name,
    version,
    precision,
    threshold: String(threshold),
    temperature: String(temperature),
    abstain_band: band ? `${band.low} to ${band.high}` : '',
    run_id: source.runId ?? '',
  };
  const text = Object.entries(labels).map(
    ([key, value]) => `${key}="${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`,
  );
  return `${head('model_info', 'gauge', 'The model that answers')}\ncrosscheck_model_info{${text.join(',')}} 1`;
}

function head(name: string, type: string, help: string): string {
  return `# HELP crosscheck_${name} ${help}\n# TYPE crosscheck_${name} ${type}`;
}

function simple(name: string, type: 'gauge' | 'counter', help: string, value: number): string {
  return `${head(name, type, help)}\ncrosscheck_${name} ${value}`;
}

function histogram(name: string, help: string, { buckets, counts, sum, count }: HistogramSnapshot): string {
  return [
    head(name, 'histogram', help),
    ...buckets.map((bound, i) => `crosscheck_${name}_bucket{le="${bound}"} ${counts[i]}`),
    `crosscheck_${name}_bucket{le="+Inf"} ${count}`,
    `crosscheck_${name}_sum ${sum}`,
    `crosscheck_${name}_count ${count}`,
  ].join('\n');
}
