import type { InferenceConfig, Run } from '@crosscheck/config';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { type Classifier, openClassifier } from '@crosscheck/inference';
import closeWithGrace from 'close-with-grace';
import { type App, buildApp } from './build-app.ts';
import type { ServeSettings } from './routes/context.ts';
import { version } from './version.ts';

/**
 * Job of `pnpm serve`: answers probes at once, loads the model, serves until SIGTERM or SIGINT, then lets the requests in flight finish.
 *
 * @throws CROSSCHECK_SERVER_PORT_IN_USE, CROSSCHECK_SERVER_ADDRESS_UNUSABLE, and what `openClassifier` throws
 */
export async function serve({ config }: Pick<Run<InferenceConfig>, 'config'>): Promise<void> {
  const settings = config.serve;
  const start = Promise.withResolvers<Classifier>();
  const app = await buildApp({ classifier: start.promise, settings });
  const shutdown = closeWithGrace({ delay: settings.shutdown_ms, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.error({ err }, 'a failure that nobody handled; shutting down');
    await drain(app, signal ?? 'an error');
  });
  try {
    const url = await listen(app, settings);
    const classifier = await openClassifier(settings.artifact, classifierOptions(settings));
    start.resolve(classifier);
    announce(app, classifier, url);
  } catch (error) {
    shutdown.uninstall();
    await app.close();
    throw error;
  }
  // Fastify's socket keeps the process alive; close-with-grace ends it.
  await new Promise(() => {});
}

function classifierOptions(settings: ServeSettings) {
  return {
    ...(settings.workers === null ? {} : { workers: settings.workers }),
    threadsPerWorker: settings.threads_per_worker,
    maxBatch: settings.max_batch,
    maxQueue: settings.queue_size,
    maxPixels: settings.max_pixels,
  };
}

const addressProblems: Record<string, string | undefined> = {
  EACCES: 'this user may not open it (ports below 1024 need rights)',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'no such host name',
};

async function listen(app: App, { host, port }: ServeSettings): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: (address) => `listening at ${address}` });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      const message = `expected port ${port} of ${host} to be free, but another process listens there; stop it, or set serve.port (0 = any that is free)`;
      throw new CrosscheckError('CROSSCHECK_SERVER_PORT_IN_USE', message, { cause: error });
    }
    const message = `cannot listen on ${host}, port ${port}: ${addressProblems[code] ?? messageOf(error)}; set serve.host or serve.port`;
    throw new CrosscheckError('CROSSCHECK_SERVER_ADDRESS_UNUSABLE', message, { cause: error });
  }
}

/** One line for people, one for log collectors. */
function announce(app: App, classifier: Classifier, url: string): void {
  const { artifact, threshold } = classifier;
  const { name, version: modelVersion, precision, labels, source } = artifact;
  const { workers, threadsPerWorker } = classifier.stats();
  process.stdout.write(
    `${name} ${modelVersion} (${precision}; 0 = ${labels[0]}, 1 = ${labels[1]}; FAKE above ${threshold}) answers at ${url}/predict, docs at ${url}/docs\n`,
  );
  const model = {
    name,
    version: modelVersion,
    precision,
    labels,
    threshold,
    runId: source.runId,
    checkpoint: source.checkpoint,
  };
  app.log.info({ version, node: process.version, model, workers, threadsPerWorker }, 'ready');
}

async function drain(app: App, reason: string): Promise<void> {
  app.log.info({ reason, inFlight: app.service.inFlight }, 'draining');
  await app.service.drain();
  await app.close();
  if (app.service.isLoaded) await app.service.requireModel().close();
  app.log.info('closed');
}
