import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../build-app.ts';

/** Clients that hold a connection open may use it once more; its answer tells them to close it. */
const lingerMs = 5000;

interface Leaving {
  reason: string;
  /** What is still open after this is cut off. */
  patienceMs: number;
  exitCode: number;
}

/** Answers what still comes over open connections and closes them, then refuses new posts, and ends the process. */
export async function drain(app: App, { reason, patienceMs, exitCode }: Leaving): Promise<void> {
  endAfter(app, patienceMs);
  app.log.info({ reason, inFlight: app.service.inFlight }, 'draining');
  app.service.windDown();
  await connectionsEnd(app, Math.min(lingerMs, patienceMs / 2));
  await app.service.drain();
  if (app.server.listening) await app.close();
  await end(app, exitCode);
}

/** Takes no new connection, serves the open ones until they close, and ends the process. */
export async function retire(app: App, patienceMs: number): Promise<void> {
  endAfter(app, lingerMs + patienceMs);
  app.log.info({ inFlight: app.service.inFlight }, 'retiring');
  app.service.retire();
  const closed = once(app.server, 'close');
  // Not http's own close, which also cuts connections between two requests: a client might be sending the next one.
  net.Server.prototype.close.call(app.server);
  setTimeout(() => app.server.closeIdleConnections(), lingerMs);
  await closed;
  await end(app, 0);
}

/** Resolves when nobody is connected, or when the time is over. */
async function connectionsEnd({ server }: App, withinMs: number): Promise<void> {
  const count = () =>
    new Promise<number>((resolve) => server.getConnections((error, connections) => resolve(error ? 0 : connections)));
  for (const endMs = Date.now() + withinMs; Date.now() < endMs && (await count()) > 0; ) await sleep(50);
}

async function end(app: App, exitCode: number): Promise<void> {
  if (app.service.isLoaded) await app.service.requireModel().close();
  app.log.info('closed');
  process.exit(exitCode);
}

function endAfter(app: App, patienceMs: number): void {
  setTimeout(() => {
    app.log.error(
      { inFlight: app.service.inFlight },
      'requests did not end in time (serve.shutdown_ms); ending without them',
    );
    process.exit(1);
  }, patienceMs);
}
