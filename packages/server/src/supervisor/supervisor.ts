import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import type { ServeSettings } from '../routes/context.ts';
import { noHistory, type ReloadHistory } from './protocol.ts';
import { ServerProcess } from './server-process.ts';

/**
 * Keeps one process answering. A new model is loaded by a fresh process, because sessions that are closed inside a process do not give all
 * their memory back; once it answers, the old one takes no more connections, finishes those that it has, and ends.
 */
export class Supervisor {
  /** Resolves to the exit code when nothing answers any more; rejects when a crashed process cannot be replaced. */
  readonly ended: Promise<number>;
  readonly #settings: ServeSettings;
  readonly #end = Promise.withResolvers<number>();
  readonly #processes = new Set<ServerProcess>();
  #current: ServerProcess | null = null;
  #history: ReloadHistory = noHistory;
  #isStopping = false;
  #changes: Promise<void> = Promise.resolve();
  #isReloadWaiting = false;

  constructor(settings: ServeSettings) {
    this.#settings = settings;
    this.ended = this.#end.promise;
  }

  /** @throws what the first process reports */
  async start(): Promise<void> {
    await this.#launch({ isReplacement: false });
  }

  /** Takes the artifact folder up again as it is now. A folder that is refused changes nothing but the history. */
  reload(): Promise<void> {
    if (this.#isReloadWaiting || this.#isStopping) return this.#changes;
    this.#isReloadWaiting = true;
    return this.#inTurn(async () => {
      this.#isReloadWaiting = false;
      await this.#replace();
    });
  }

  /** Lets every process finish what it has. */
  async stop(reason: string): Promise<void> {
    this.#isStopping = true;
    for (const each of this.#processes) each.tell({ type: 'drain', reason });
    const codes = await Promise.all([...this.#processes].map(({ exited }) => exited));
    this.#end.resolve(Math.max(0, ...codes));
  }

  kill(): void {
    for (const each of this.#processes) each.kill();
    this.#end.resolve(1);
  }

  /** Changes of the current process happen one after the other. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    this.#changes = this.#changes.then(() => (this.#isStopping ? undefined : change()));
    return this.#changes;
  }

  async #replace(): Promise<void> {
    const old = this.#current;
    try {
      await this.#launch({ isReplacement: true });
      this.#remember({ reloads: this.#history.reloads + 1, lastFailure: null });
      old?.tell({ type: 'retire' });
    } catch (error) {
      const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_SERVER_INTERNAL';
      this.#remember({ failures: this.#history.failures + 1, lastFailure: { code, message: messageOf(error) } });
    }
  }

  /** Starts a process and makes it the current one when it is ready. */
  async #launch({ isReplacement }: { isReplacement: boolean }): Promise<void> {
    const settings = this.#settings;
    const fresh = new ServerProcess({ type: 'start', settings, isReplacement, history: this.#history });
    this.#processes.add(fresh);
    void fresh.exited.then(() => this.#bury(fresh));
    if (!isReplacement) this.#current = fresh;
    await fresh.ready;
    this.#current = fresh;
  }

  #bury(gone: ServerProcess): void {
    this.#processes.delete(gone);
    if (gone !== this.#current || this.#isStopping) return;
    this.#current = null;
    void gone.ready.then(
      () => this.#inTurn(() => this.#recover()),
      () => {},
    );
  }

  async #recover(): Promise<void> {
    this.#remember({ crashes: this.#history.crashes + 1 });
    await this.#launch({ isReplacement: false }).catch((error: unknown) => this.#end.reject(error));
  }

  #remember(news: Partial<ReloadHistory>): void {
    this.#history = { ...this.#history, ...news };
    this.#current?.tell({ type: 'history', history: this.#history });
  }
}
