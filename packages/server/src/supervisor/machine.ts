// What the supervisor knows and does, without processes: a table of transitions, so that every order of events can be tried.
import { noHistory, type ReloadHistory } from './protocol.ts';

/** A process, by the number that it was started with. */
export type ProcessId = number;

/** Why a process cannot answer requests. */
export interface Failure {
  code: string;
  message: string;
}

/** At most one process serves; where none does, one is loading, unless the service ends. */
export type Phase =
  /** Nobody serves yet, or nobody any more. A replacement loads a new model beside one that serves, or that served when it was started. */
  | { name: 'starting'; loading: ProcessId; isReplacement: boolean; isReloadWanted: boolean }
  | { name: 'serving'; serving: ProcessId }
  | { name: 'replacing'; serving: ProcessId; loading: ProcessId; isReloadWanted: boolean }
  /** Those that leave finish what they have. */
  | { name: 'stopping'; exitCode: number; failure: Failure | null }
  | { name: 'ended' };

export interface State {
  phase: Phase;
  /** Take no new connections and end by themselves. */
  leaving: readonly ProcessId[];
  history: ReloadHistory;
  /** The number of the next process. */
  next: ProcessId;
}

export type Event =
  /** The artifact folder should be taken up as it is now. */
  | { type: 'reload' }
  | { type: 'ready'; id: ProcessId }
  | { type: 'failed'; id: ProcessId; failure: Failure }
  /** `how`: the signal that ended it, or its exit code. */
  | { type: 'exited'; id: ProcessId; exitCode: number; how: string }
  | { type: 'stop'; reason: string }
  | { type: 'kill' };

export type Action =
  | { type: 'start'; id: ProcessId; isReplacement: boolean; history: ReloadHistory }
  /** Answer probes, although the model still loads: nobody else does. */
  | { type: 'listen'; id: ProcessId }
  | { type: 'tell'; id: ProcessId; history: ReloadHistory }
  | { type: 'retire'; id: ProcessId }
  | { type: 'drain'; id: ProcessId; reason: string }
  | { type: 'kill'; id: ProcessId }
  | { type: 'end'; exitCode: number }
  | { type: 'fail'; failure: Failure };

export interface Step {
  state: State;
  actions: Action[];
}

/** The first process loads. */
export function firstStep(): Step {
  return start({ phase: { name: 'ended' }, leaving: [], history: noHistory, next: 1 });
}

/** What happens to the state, and what is to be done. An event that is too late, or about a process that has left, changes nothing. */
export function step(state: State, event: Event): Step {
  const change = meaningOf(state, event);
  return change === null ? { state, actions: [] } : change(state, event);
}

type Change = (state: State, event: Event) => Step;
type Meaning = 'reload' | 'ready' | 'failed' | 'crashed' | 'gone' | 'stop' | 'kill';
type In<Name extends Phase['name']> = State & { phase: Phase & { name: Name } };

const changes: { [Name in Phase['name']]: Partial<Record<Meaning, (state: In<Name>, event: Event) => Step>> } = {
  starting: { reload: wantReload, ready: serve, failed: startAgain, gone: forget, stop, kill },
  serving: { reload: replace, crashed: recover, gone: forget, stop, kill },
  replacing: { reload: wantReload, ready: takeOver, failed: refuse, crashed: promote, gone: forget, stop, kill },
  stopping: { gone: endWithLast, kill },
  ended: {},
};

function meaningOf({ phase, leaving }: State, event: Event): Change | null {
  const meaning = 'id' in event ? roleMeaning(phase, leaving, event) : event.type;
  return meaning === null ? null : ((changes[phase.name][meaning] as Change | undefined) ?? null);
}

/** What a process reports means something else for each that it can be. */
function roleMeaning(
  phase: Phase,
  leaving: readonly ProcessId[],
  { type, id }: Event & { id: ProcessId },
): Meaning | null {
  if ('loading' in phase && id === phase.loading) return type === 'exited' ? 'failed' : type;
  if (type !== 'exited') return null;
  if ('serving' in phase && id === phase.serving) return 'crashed';
  return leaving.includes(id) ? 'gone' : null;
}

const and = ({ state, actions }: Step, ...before: Action[]): Step => ({ state, actions: [...before, ...actions] });

/** A process for nobody: its probes answer while it loads. */
function start({ next: id, history, ...state }: State): Step {
  const phase: Phase = { name: 'starting', loading: id, isReplacement: false, isReloadWanted: false };
  return {
    state: { ...state, history, phase, next: id + 1 },
    actions: [{ type: 'start', id, isReplacement: false, history }],
  };
}

function startBeside({ next: id, history, ...state }: State, serving: ProcessId): Step {
  const phase: Phase = { name: 'replacing', serving, loading: id, isReloadWanted: false };
  return {
    state: { ...state, history, phase, next: id + 1 },
    actions: [{ type: 'start', id, isReplacement: true, history }],
  };
}

/** One that loads has perhaps read the folder already, so another one follows it. */
function wantReload(state: In<'starting' | 'replacing'>): Step {
  return { state: { ...state, phase: { ...state.phase, isReloadWanted: true } }, actions: [] };
}

function replace(state: In<'serving'>): Step {
  return startBeside(state, state.phase.serving);
}

/** `serving` has the socket; with what was wanted meanwhile. */
function settle(state: State, serving: ProcessId, isReloadWanted: boolean): Step {
  if (isReloadWanted) return startBeside(state, serving);
  return { state: { ...state, phase: { name: 'serving', serving } }, actions: [] };
}

function serve(state: In<'starting'>): Step {
  const { loading, isReplacement, isReloadWanted } = state.phase;
  const history = isReplacement ? takenUp(state.history) : state.history;
  const tell: Action[] = isReplacement ? [{ type: 'tell', id: loading, history }] : [];
  return and(settle({ ...state, history }, loading, isReloadWanted), ...tell);
}

function takeOver(state: In<'replacing'>): Step {
  const { serving: old, loading, isReloadWanted } = state.phase;
  const history = takenUp(state.history);
  const settled = settle({ ...state, history, leaving: [...state.leaving, old] }, loading, isReloadWanted);
  return and(settled, { type: 'tell', id: loading, history }, { type: 'retire', id: old });
}

function refuse(state: In<'replacing'>, event: Event): Step {
  const { serving, loading, isReloadWanted } = state.phase;
  const history = refused(state.history, failureOf(event));
  const settled = settle({ ...state, history }, serving, isReloadWanted);
  return and(settled, { type: 'kill', id: loading }, { type: 'tell', id: serving, history });
}

function recover(state: In<'serving'>): Step {
  return start({ ...state, history: crashed(state.history) });
}

/** The one that loads beside it is the replacement that is needed: a second one would serve, too. */
function promote(state: In<'replacing'>): Step {
  const { loading, isReloadWanted } = state.phase;
  const history = crashed(state.history);
  const phase: Phase = { name: 'starting', loading, isReplacement: true, isReloadWanted };
  return {
    state: { ...state, history, phase },
    actions: [
      { type: 'tell', id: loading, history },
      { type: 'listen', id: loading },
    ],
  };
}

/** A model that was refused may have been replaced since; a process for nobody has nobody to fall back on. */
function startAgain(state: In<'starting'>, event: Event): Step {
  const { loading, isReplacement } = state.phase;
  const failure = failureOf(event);
  if (isReplacement)
    return and(start({ ...state, history: refused(state.history, failure) }), { type: 'kill', id: loading });
  return and(finish({ ...state, phase: { name: 'stopping', exitCode: 1, failure } }), { type: 'kill', id: loading });
}

function forget(state: State, event: Event): Step {
  return { state: { ...state, leaving: without(state, event) }, actions: [] };
}

function without({ leaving }: State, event: Event): ProcessId[] {
  return leaving.filter((id) => !('id' in event) || id !== event.id);
}

/** All that are there, the serving one first. */
function idsOf({ phase, leaving }: State): ProcessId[] {
  return [...('serving' in phase ? [phase.serving] : []), ...('loading' in phase ? [phase.loading] : []), ...leaving];
}

function stop(state: State, event: Event): Step {
  const { reason } = event as Event & { type: 'stop' };
  const leaving = idsOf(state);
  const actions = leaving.map((id): Action => ({ type: 'drain', id, reason }));
  return { state: { ...state, phase: { name: 'stopping', exitCode: 0, failure: null }, leaving }, actions };
}

function endWithLast(state: In<'stopping'>, event: Event): Step {
  const { exitCode } = event as Event & { type: 'exited' };
  const phase = { ...state.phase, exitCode: Math.max(state.phase.exitCode, exitCode) };
  return finish({ ...state, phase, leaving: without(state, event) });
}

function finish(state: In<'stopping'>): Step {
  if (state.leaving.length > 0) return { state, actions: [] };
  const { exitCode, failure } = state.phase;
  const last: Action = failure ? { type: 'fail', failure } : { type: 'end', exitCode };
  return { state: { ...state, phase: { name: 'ended' } }, actions: [last] };
}

function kill(state: State): Step {
  const actions = idsOf(state).map((id): Action => ({ type: 'kill', id }));
  return {
    state: { ...state, phase: { name: 'ended' }, leaving: [] },
    actions: [...actions, { type: 'end', exitCode: 1 }],
  };
}

function failureOf(event: Event): Failure {
  if (event.type === 'failed') return event.failure;
  const { how } = event as Event & { type: 'exited' };
  const message = `the process that should answer requests ended before it was ready (${how}); often too little memory`;
  return { code: 'CROSSCHECK_SERVER_PROCESS_ENDED', message };
}

const takenUp = (history: ReloadHistory) => ({ ...history, reloads: history.reloads + 1, lastFailure: null });
const crashed = (history: ReloadHistory) => ({ ...history, crashes: history.crashes + 1 });
const refused = (history: ReloadHistory, lastFailure: Failure) => ({
  ...history,
  failures: history.failures + 1,
  lastFailure,
});
