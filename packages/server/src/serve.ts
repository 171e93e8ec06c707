import type { InferenceConfig, Run } from '@crosscheck/config';
import { Supervisor } from './supervisor/supervisor.ts';
import { watchArtifact } from './supervisor/watch-artifact.ts';

/**
 * Job of `pnpm serve`: starts a process that answers requests, replaces it when the model changes (SIGHUP, or `serve.watch_seconds`), and ends
 * with it. SIGTERM or SIGINT lets requests in flight finish, a second one does not.
 *
 * @throws CROSSCHECK_SERVER_PORT_IN_USE, CROSSCHECK_SERVER_ADDRESS_UNUSABLE, CROSSCHECK_SERVER_PROCESS_ENDED, and what `openClassifier` throws
 */
export async function serve({ config: { serve: settings } }: Pick<Run<InferenceConfig>, 'config'>): Promise<void> {
  const supervisor = new Supervisor(settings);
  const reload = () => supervisor.reload();
  const stop = (signal: string) => {
    const again = () => supervisor.kill();
    for (const name of ['SIGTERM', 'SIGINT']) process.off(name, stop).on(name, again);
    supervisor.stop(signal);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
  const { artifact, watch_seconds: seconds } = settings;
  const unwatch = seconds === null ? () => {} : watchArtifact(artifact, 1000 * seconds, reload);
  try {
    supervisor.start();
    process.exitCode = await supervisor.ended;
  } finally {
    unwatch();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.removeAllListeners(signal);
  }
}
