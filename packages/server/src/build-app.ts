import type { Classifier } from '@crosscheck/inference';
import { openStore } from '@crosscheck/storage';
import fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { Desk } from './feedback/desk.ts';
import { createAdmission, createKeyCheck } from './http/admission.ts';
import { answerConnectionError, answerErrors, sendError } from './http/answer-errors.ts';
import { addResponseHeaders, requestId } from './http/headers.ts';
import { lingerOnEarlyAnswers } from './http/linger.ts';
import { logOutcome, onOutcome } from './http/outcome.ts';
import { openPrefix, type Prefix } from './http/prefix.ts';
import { addDocs } from './openapi/docs.ts';
import type { RouteContext } from './routes/context.ts';
import { explainRoutes } from './routes/explain.ts';
import { ExplanationCache } from './routes/explanation-cache.ts';
import { feedbackRoutes } from './routes/feedback.ts';
import { healthRoutes } from './routes/health.ts';
import { inferenceProtocolRoutes } from './routes/inference-protocol/routes.ts';
import { addMetrics } from './routes/metrics.ts';
import { pageRoutes } from './routes/page.ts';
import { predictRoutes } from './routes/predict.ts';
import type { ServeSettings } from './serve-settings.ts';
import { Service } from './service.ts';
import { Shadow } from './shadow/shadow.ts';

export interface AppOptions {
  /** A promise is a model that is still loading: probes answer meanwhile, everything else gets 503. */
  classifier: Classifier | Promise<Classifier>;
  /** `serve.*` of the config; host, port and shutdown_ms are left to the caller. */
  settings: ServeSettings;
  /** Where the log goes; stdout by default. */
  logStream?: { write(line: string): void } | undefined;
}

export interface App extends FastifyInstance {
  service: Service;
}

/** Unfinished requests are looked for this often. */
const checkIntervalMs = 1000;
const headersTimeoutMs = 10_000;

/**
 * The HTTP service without a socket: `app.inject(…)` asks it, `app.listen(…)` opens it, `app.service.drain()` and `app.close()` end it.
 * The classifier stays open.
 *
 * @example
 * const app = await buildApp({ classifier: await openClassifier('artifact'), settings });
 * const { statusCode } = await app.inject('/readyz');
 */
export async function buildApp({ classifier, settings, logStream }: AppOptions): Promise<App> {
  const service = new Service(classifier);
  const prefix = openPrefix(settings.base_path, settings.trusted_proxies);
  const app = openFastify(service, { settings, prefix, logStream });
  const context: RouteContext = {
    service,
    settings,
    pathPrefix: prefix,
    budget: { limit: Math.max(settings.max_buffered_bytes, settings.max_body_bytes), used: 0 },
    watchers: [],
    checkKey: createKeyCheck(settings.api_key),
    explanations: new ExplanationCache(settings.explain.cache_seconds),
    admit: createAdmission(service, settings),
  };
  app.decorate('service', service);
  app.decorateRequest('bodyBytes', 0);
  app.decorateRequest('failure', null);
  app.decorateRequest('isAbandoned', false);
  // Schemas only document: bodies are judged by hand, with reasons, and compiling a serialiser for every answer takes longer than all else here.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  countRequests(app, service);
  addResponseHeaders(app, settings.cors_origin);
  onOutcome(app, logOutcome);
  answerErrors(app, service);
  lingerOnEarlyAnswers(app.server);
  await addDocs(app, { hasApiKey: settings.api_key !== null || settings.explain.api_key !== null, prefix });
  const registry = addMetrics(app, context);
  if (settings.shadow.artifact !== null) addShadow(app, context, registry);
  if (settings.feedback.store !== null) await addFeedback(app, context, registry);
  for (const routes of [healthRoutes, predictRoutes, explainRoutes, inferenceProtocolRoutes, pageRoutes])
    await app.register(routes, context);
  await app.ready();
  return app as unknown as App;
}

function addShadow(app: FastifyInstance, context: RouteContext, registry: Registry): void {
  const shadow = new Shadow(context.settings, app.log, registry);
  context.watchers.push((reply, posts, predictions) => shadow.observe(reply, posts, predictions));
  app.addHook('onClose', async () => shadow.close());
}

async function addFeedback(app: FastifyInstance, context: RouteContext, registry: Registry): Promise<void> {
  const { store, keep_posts: keepPosts } = context.settings.feedback;
  const options = { keepPosts, service: context.service, log: app.log, registry };
  const desk = new Desk({ ...options, store: openStore(store as string) });
  context.watchers.push((...verdicts) => desk.observe(...verdicts));
  // The page shows its buttons where an answer says so.
  context.watchers.push((reply) => void reply.header('x-feedback', 'feedback'));
  app.addHook('onClose', async () => desk.close());
  await app.register(feedbackRoutes, { ...context, desk });
}

interface OpenOptions extends Pick<AppOptions, 'settings' | 'logStream'> {
  prefix: Prefix;
}

/** What a gateway changes; nothing, and at no cost, where there is none. */
function gatewayOptions({ settings, prefix }: OpenOptions): Pick<FastifyServerOptions, 'rewriteUrl' | 'trustProxy'> {
  const { base_path: basePath, trusted_proxies: proxies } = settings;
  return {
    ...((basePath !== '' || proxies.length > 0) && { rewriteUrl: (request) => prefix.strip(request) }),
    ...(proxies.length > 0 && { trustProxy: proxies }),
  };
}

function openFastify(service: Service, options: OpenOptions): FastifyInstance {
  const { settings, logStream } = options;
  return fastify({
    ...gatewayOptions(options),
    logger: { level: settings.log_level, base: null, ...(logStream && { stream: logStream }) },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    bodyLimit: settings.max_body_bytes,
    requestTimeout: settings.receive_ms,
    keepAliveTimeout: settings.keep_alive_ms,
    http: {
      headersTimeout: Math.min(headersTimeoutMs, settings.receive_ms),
      connectionsCheckingInterval: checkIntervalMs,
    },
    clientErrorHandler: answerConnectionError,
    frameworkErrors: (error, request, reply) => void sendError(service, { error, request, reply }),
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
}

function countRequests(app: FastifyInstance, service: Service): void {
  app.addHook('onRequest', async (_request, { raw }) => {
    raw.once('close', service.enter());
  });
  app.addHook('onSend', async (_request, reply) => {
    if (service.isLeaving) reply.header('connection', 'close');
  });
}
