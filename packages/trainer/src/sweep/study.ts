import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { CrosscheckError } from '@crosscheck/contract';

export type Direction = 'minimize' | 'maximize';

export interface StudyOptions {
  /** An URL of SQLAlchemy, such as `sqlite:///study.db`. */
  storage: string;
  /** Null lets Optuna choose a name. */
  study: string | null;
  directions: readonly Direction[];
  /** `_target_` and keywords. */
  sampler: Record<string, unknown>;
  pruner: Record<string, unknown>;
  /** Parameter → its distribution as Optuna writes it. */
  space: Record<string, string>;
  /** What each objective is called. */
  metrics: readonly string[];
}

export interface OpenedStudy {
  study: string;
  version: string;
  trials: number;
  /** Trials that a grid has left; null for samplers without an end. */
  left: number | null;
  /** Trials that a killed search had left running: they count as failed, and are tried again. */
  taken_up: number[];
  /** Trials that another process may be running. */
  elsewhere: number[];
}

export interface AskedTrial {
  trial: number;
  params: Record<string, number>;
}

export type TrialState = 'complete' | 'pruned' | 'fail';

export interface ToldTrial extends Record<string, unknown> {
  trial: number;
  state: TrialState;
  values: number[] | null;
  attrs: Record<string, unknown>;
  /** Try its values again. */
  again?: boolean;
}

/** A number, or Python's text of one that is not finite. */
export type StoredNumber = number | string;

export interface StoredTrial {
  number: number;
  state: TrialState | 'running' | 'waiting';
  values: StoredNumber[] | null;
  params: Record<string, number>;
  epochs: [epoch: number, value: StoredNumber][];
  seconds: number | null;
  attrs: Record<string, unknown>;
}

export interface StudySummary {
  trials: StoredTrial[];
  /** The best trial, or those that no other one is better than in every objective. */
  best: number[];
  /** For each objective: parameter → share of what it explains. */
  importances: Record<string, number>[];
  /** Why there are none. */
  importances_missing: string | null;
}

export const python = (): string => process.env['PYTHON'] || 'python3';
const script = path.join(import.meta.dirname, '../../python/optuna_study.py');

/** A study of the real Optuna, in a Python process that lives as long as the search. */
export class Study {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #log: string;
  #last: Promise<unknown> = Promise.resolve();
  #failure: string | null = null;

  private constructor(log: string) {
    this.#log = log;
    const logged = createWriteStream(log);
    this.#child = spawn(python(), ['-u', script], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.pipe(logged);
    this.#child.on('error', (error) => (this.#failure = error.message));
    // A process that is gone is met as an answer that does not come.
    this.#child.stdin?.on('error', () => {});
    const lines: Interface = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#answers = lines[Symbol.asyncIterator]();
  }

  /**
   * Starts Python and Optuna. What they print goes to `log`.
   *
   * @throws CROSSCHECK_SEARCH_NO_OPTUNA
   */
  static async start(log: string): Promise<Study> {
    const study = new Study(log);
    const hello = await study.#receive().catch(() => null);
    if (hello !== null && 'optuna' in hello) return study;
    const why = study.#failure ?? (hello === null ? study.#logged() : String(hello['error']));
    const installer = study.#failure ? 'python3' : python(); // what does not start cannot install anything
    throw new CrosscheckError(
      'CROSSCHECK_SEARCH_NO_OPTUNA',
      `hydra/sweeper=optuna needs Python 3 with Optuna 4.9 or 5, and ${python()} has none (${why}); ` +
        `install it with: ${installer} -m pip install 'optuna>=4.9,<6'  (PYTHON=… names another Python)`,
    );
  }

  /** @throws CROSSCHECK_SEARCH_STUDY */
  open(options: StudyOptions): Promise<OpenedStudy> {
    return this.#request('open', { ...options }) as Promise<unknown> as Promise<OpenedStudy>;
  }

  ask(attrs: Record<string, unknown>): Promise<AskedTrial> {
    return this.#request('ask', { attrs }) as Promise<unknown> as Promise<AskedTrial>;
  }

  /** @returns true when the trial should end */
  async report(trial: number, step: number, value: number): Promise<boolean> {
    const answer = await this.#request('report', {
      trial,
      step,
      value: Number.isFinite(value) ? value : String(value),
    });
    return answer['prune'] === true;
  }

  async tell(told: ToldTrial): Promise<void> {
    await this.#request('tell', told);
  }

  summary(): Promise<StudySummary> {
    return this.#request('summary', {}) as Promise<unknown> as Promise<StudySummary>;
  }

  /** Python ends with its input; trials that were not told stay running in the study, until it is opened again. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined)
      await once(this.#child, 'exit');
  }

  /** One request at a time: answers come in the order of the requests. */
  #request(op: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const answered = this.#last.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify({ op, ...body })}\n`);
      const answer = await this.#receive();
      if (typeof answer['error'] === 'string') throw studyError(`${op}: ${answer['error']}`, String(answer['kind']));
      return answer;
    });
    this.#last = answered.catch(() => {});
    return answered;
  }

  async #receive(): Promise<Record<string, unknown>> {
    const next = await this.#answers.next();
    if (next.done) throw studyError(`the Python process is gone: ${this.#logged()}`, 'gone');
    return JSON.parse(next.value) as Record<string, unknown>;
  }

  #logged(): string {
    try {
      return readFileSync(this.#log, 'utf8').trim().split('\n').at(-1) || 'it said nothing';
    } catch {
      return 'it said nothing';
    }
  }
}

const missingModule = /No module named '(\w+)'|Please make sure `?(\w+)|tried to import '(\w+)'/;

/** Samplers need packages besides Optuna: the message says how to get them. */
function studyError(message: string, kind: string): CrosscheckError {
  const found = missingModule
    .exec(message)
    ?.slice(1)
    .find((name) => name !== undefined);
  const remedy = found === undefined ? '' : `; install it with: ${python()} -m pip install ${found}`;
  return new CrosscheckError('CROSSCHECK_SEARCH_STUDY', `Optuna, ${message.split('\n')[0]} [${kind}]${remedy}`);
}
