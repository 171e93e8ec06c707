import type { Classifier } from '@crosscheck/inference';
import type { App } from '../build-app.ts';
import { version } from '../version.ts';

/** One line for people, one for log collectors. */
export function announce(app: App, classifier: Classifier, url: string): void {
  const { artifact, threshold, abstainBand } = classifier;
  const { name, version: modelVersion, precision, labels, source, temperature } = artifact;
  const { workers, threadsPerWorker } = classifier.stats();
  process.stdout.write(
    `${name} ${modelVersion} (${precision}; 0 = ${labels[0]}, 1 = ${labels[1]}; FAKE above ${Number(threshold.toFixed(4))}) answers at ${url}/predict, docs at ${url}/docs\n`,
  );
  const model = {
    name,
    version: modelVersion,
    precision,
    labels,
    threshold,
    temperature,
    abstainBand,
    runId: source.runId,
    checkpoint: source.checkpoint,
  };
  const { version: node, ppid: pid } = process; // signals are for the supervisor
  app.log.info({ version, node, pid, model, workers, threadsPerWorker }, 'ready');
}
