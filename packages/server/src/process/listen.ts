import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { Classifier } from '@crosscheck/inference';
import type { App } from '../build-app.ts';
import type { ServeSettings } from '../serve-settings.ts';
import { version } from '../version.ts';

const everyAddress = '::';
const withoutIpv6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

const addressProblems: Record<string, string | undefined> = {
  EACCES: 'this user may not open it (ports below 1024 need rights)',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'no such host name',
};

/**
 * Opens the socket of the service, or joins the one that the process before has open.
 *
 * @returns its URL
 * @throws CROSSCHECK_SERVER_PORT_IN_USE, CROSSCHECK_SERVER_ADDRESS_UNUSABLE
 */
export async function listen(app: App, { host, port, base_path: basePath }: ServeSettings): Promise<string> {
  const open = (address: string) =>
    app.listen({ host: address, port, listenTextResolver: (url) => `listening at ${url}` });
  try {
    const url = await open(host).catch((error: unknown) => {
      if (host === everyAddress && withoutIpv6.has(codeOf(error))) return open('0.0.0.0');
      throw error;
    });
    return url.replace('//[::]:', '//127.0.0.1:') + basePath; // one that can be clicked
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EADDRINUSE') {
      const message = `expected port ${port} of ${host} to be free, but another process listens there; stop it, or set serve.port (0 = any that is free)`;
      throw new CrosscheckError('CROSSCHECK_SERVER_PORT_IN_USE', message, { cause: error });
    }
    const message = `cannot listen on ${host}, port ${port}: ${addressProblems[code] ?? messageOf(error)}; set serve.host or serve.port`;
    throw new CrosscheckError('CROSSCHECK_SERVER_ADDRESS_UNUSABLE', message, { cause: error });
  }
}

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
