import { CrosscheckError, type ErrorCode, messageOf } from '@crosscheck/contract';
import type { ServeSettings } from '../serve-settings.ts';
import { type Action, type Event, type Failure, firstStep, type ProcessId, type Step, step } from './machine.ts';
import { ServerProcess } from './server-process.ts';

/**
 * Keeps one process answering. A new model is loaded by a fresh process, because sessions that are closed inside a process do not give all
 * their memory back; once it answers, the old one takes no more connections, finishes those that it has, and ends. What is done when stands in
 * `machine.ts`; this does it.
 */
export class Supervisor {
  /** Resolves to the exit code when nothing answers any more; rejects when no process becomes ready. */
  readonly ended: Promise<number>;
  readonly #settings: ServeSettings;
  readonly #end = Promise.withResolvers<number>();
  readonly #processes = new Map<ProcessId, ServerProcess>();
  #last: Step = firstStep();

  constructor(settings: ServeSettings) {
    this.#settings = settings;
    this.ended = this.#end.promise;
  }

  start(): void {
    this.#act(this.#last.actions);
  }

  /** Takes the artifact folder up again as it is now. A folder that is refused changes nothing but the history. */
  reload(): void {
    this.#take({ type: 'reload' });
  }

  /** Lets every process finish what it has. */
  stop(reason: string): void {
    this.#take({ type: 'stop', reason });
  }

  kill(): void {
    this.#take({ type: 'kill' });
  }

  #take(event: Event): void {
    this.#last = step(this.#last.state, event);
    this.#act(this.#last.actions);
    if (event.type === 'exited') this.#processes.delete(event.id);
  }

  #act(actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.type === 'start') this.#start(action);
      else if (action.type === 'end') this.#end.resolve(action.exitCode);
      else if (action.type === 'fail') this.#end.reject(asError(action.failure));
      else this.#order(action);
    }
  }

  #start({ id, isReplacement, history }: Action & { type: 'start' }): void {
    const order = { type: 'start' as const, settings: this.#settings, isReplacement, history };
    try {
      this.#processes.set(id, new ServerProcess(order, (report) => this.#take({ ...report, id })));
    } catch (error) {
      const failure = {
        code: 'CROSSCHECK_SERVER_PROCESS_ENDED',
        message: `no process could be started: ${messageOf(error)}`,
      };
      queueMicrotask(() => this.#take({ type: 'failed', id, failure }));
    }
  }

  #order(action: Exclude<Action, { type: 'start' | 'end' | 'fail' }>): void {
    const { type, id, ...rest } = action;
    const target = this.#processes.get(id);
    if (type === 'kill') target?.kill();
    else if (action.type === 'tell') target?.tell({ type: 'history', history: action.history });
    else target?.tell({ type, ...rest } as Parameters<ServerProcess['tell']>[0]);
  }
}

function asError({ code, message }: Failure): CrosscheckError {
  return new CrosscheckError(code as ErrorCode, message);
}
