import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import {
  availableCores,
  type Classifier,
  graphCacheFolder,
  openClassifier,
  requireBand,
  selfCheck,
} from '@crosscheck/inference';
import { type App, buildApp } from '../build-app.ts';
import type { ServeSettings } from '../serve-settings.ts';
import type { Order, ReloadHistory, Report } from '../supervisor/protocol.ts';
import { drain, retire } from './leave.ts';
import { announce, listen } from './listen.ts';

type Start = Order & { type: 'start' };

/** Obeys the supervisor alone: a terminal sends its signals to every process of a group. */
export function runServerProcess(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
  const started = Promise.withResolvers<Started>();
  process.on('message', (order: Order) => {
    if (order.type === 'start') started.resolve(start(order));
    else void started.promise.then((running) => obey(running, order));
  });
}

interface Started {
  app: App;
  settings: ServeSettings;
  /** Once, whoever asks first. */
  open: () => Promise<string>;
}

async function start({ settings, isReplacement, history }: Start): Promise<Started> {
  const loading = Promise.withResolvers<Classifier>();
  const app = await buildApp({ classifier: loading.promise, settings });
  endOnFailure(app, settings);
  app.service.history = history;
  if (!isReplacement && history.crashes > 0) logCrash(app);
  let url: Promise<string> | null = null;
  const open = () => (url ??= listen(app, settings));
  load(app, { settings, isReplacement, open, onLoaded: loading.resolve }).catch(giveUp);
  return { app, settings, open };
}

interface LoadOptions {
  settings: ServeSettings;
  isReplacement: boolean;
  open: () => Promise<string>;
  onLoaded: (classifier: Classifier) => void;
}

/** Answers probes while the model loads; a replacement takes no connection before it is ready, unless it is alone. */
async function load(app: App, { settings, isReplacement, open, onLoaded }: LoadOptions): Promise<void> {
  if (!isReplacement) await open();
  const classifier = await openClassifier(settings.artifact, classifierOptions(settings));
  await selfCheck(classifier);
  if (settings.abstain || settings.abstain_band !== null) requireBand(classifier);
  onLoaded(classifier);
  const url = await open();
  report({ type: 'ready' });
  announce(app, classifier, url);
}

function giveUp(error: unknown): void {
  const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_SERVER_INTERNAL';
  report({ type: 'failed', failure: { code, message: messageOf(error) } }, () => process.exit(1));
}

function classifierOptions(settings: ServeSettings) {
  return {
    ...(settings.workers === null ? {} : { workers: settings.workers }),
    threadsPerWorker: settings.threads_per_worker,
    graphCacheDir: settings.graph_cache ? graphCacheFolder() : null,
    maxBatch: settings.max_batch,
    maxQueue: settings.queue_size,
    maxExplanations: settings.max_explanations,
    explanationsAtOnce: settings.explain.concurrency,
    maxDecodedBytes: settings.max_decoded_bytes,
    decodePatienceMs: settings.deadline_ms / 2,
    decoderProcesses: settings.decoders ?? Math.min(4, availableCores() + 1),
    maxPixels: settings.max_pixels,
    minSide: settings.min_image_side,
    refuseAppended: true,
    ...(settings.abstain_band && {
      abstainBand: { low: settings.abstain_band[0], high: settings.abstain_band[1] },
    }),
  };
}

function report(message: Report, onSent: () => void = () => {}): void {
  process.send?.(message, onSent);
}

function obey({ app, settings, open }: Started, order: Exclude<Order, Start>): void {
  const { shutdown_ms: patienceMs } = settings;
  if (order.type === 'history') remember(app, order.history);
  if (order.type === 'listen') takePlace(app, open);
  if (order.type === 'retire') void retire(app, patienceMs);
  if (order.type === 'drain') void drain(app, { reason: order.reason, patienceMs, exitCode: 0 });
}

/** Of a process that ended while this one loads beside it. */
function takePlace(app: App, open: Started['open']): void {
  logCrash(app);
  open().catch(giveUp);
}

function logCrash({ log, service: { history } }: App): void {
  log.error(history, 'a process ended unexpectedly; this one replaces it');
}

function endOnFailure(app: App, { shutdown_ms: patienceMs }: ServeSettings): void {
  const fail = (err: unknown) => {
    app.log.fatal({ err }, 'a failure that nobody handled; ending');
    void drain(app, { reason: 'an error', patienceMs, exitCode: 1 });
  };
  process.once('uncaughtException', fail).once('unhandledRejection', fail);
}

/** For /metrics. */
function remember({ service, log }: App, history: ReloadHistory): void {
  const isNews = history.failures > service.history.failures;
  service.history = history;
  if (!isNews || history.lastFailure === null) return;
  const { code, message: reason } = history.lastFailure;
  log.error({ code, reason }, 'the new model was refused; the old one goes on');
}
