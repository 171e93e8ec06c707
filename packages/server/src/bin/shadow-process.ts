#!/usr/bin/env node
// Not for users: a process that answers requests starts it, where serve.shadow.artifact names a candidate.
import os from 'node:os';
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { type Classifier, graphCacheFolder, openClassifier } from '@crosscheck/inference';
import type { ShadowOrder, ShadowPost, ShadowReport, ShadowStart } from '../shadow/protocol.ts';

// Whatever answers clients goes first; threads that start later inherit this.
os.setPriority(os.constants.priority.PRIORITY_LOW);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const report = (content: ShadowReport) => process.send?.(content, undefined, undefined, () => {});
const started = Promise.withResolvers<{ classifier: Classifier; deadlineMs: number }>();

async function start({ artifact, deadlineMs, graphCache, ...limits }: ShadowStart): Promise<void> {
  const options = { workers: 1, threadsPerWorker: 1, maxBatch: 1, decoders: 1, ...limits };
  const classifier = await openClassifier(artifact, {
    ...options,
    graphCacheDir: graphCache ? graphCacheFolder() : null,
  });
  const { name, version, precision } = classifier.artifact;
  started.resolve({ classifier, deadlineMs });
  report({ type: 'ready', model: { name, version, precision } });
}

async function judge({ id, text, image }: ShadowPost): Promise<void> {
  const { classifier, deadlineMs } = await started.promise;
  const startedAt = performance.now();
  try {
    const [verdict] = await classifier.classify([{ text, image }], { timeoutMs: deadlineMs });
    const { prediction = '', probabilityFake = 0 } = verdict ?? {};
    report({ type: 'judged', id, prediction, probabilityFake, ms: performance.now() - startedAt });
  } catch (error) {
    report({ type: 'failed', id, code: codeOf(error) });
  }
}

const codeOf = (error: unknown) => (isCrosscheckError(error) ? error.code : 'CROSSCHECK_SERVER_INTERNAL');

process.on('message', (order: ShadowOrder) => {
  if (order.type === 'post') void judge(order);
  else
    start(order).catch((error: unknown) =>
      report({ type: 'unloadable', code: codeOf(error), message: messageOf(error) }),
    );
});
