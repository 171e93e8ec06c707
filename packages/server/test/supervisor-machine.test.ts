import { createRandom, type Random } from '@crosscheck/contract';
import { expect, test } from 'vitest';
import { type Action, type Event, firstStep, type ProcessId, type State, step } from '../src/supervisor/machine.ts';

// A world of processes that load, get ready, fail and are killed at any moment, and whose reports arrive late and in any order.

interface SimulatedProcess {
  isAlive: boolean;
  isReady: boolean;
  /** It was told to finish. */
  isLeaving: boolean;
  /** How many times the folder had changed when it was started. */
  modelSeen: number;
}

class World {
  state: State;
  readonly processes = new Map<ProcessId, SimulatedProcess>();
  readonly mail: Event[] = [];
  readonly endings: Action[] = [];
  #models = 0;

  constructor() {
    const { state, actions } = firstStep();
    this.state = state;
    this.#do(actions);
  }

  take(event: Event): void {
    if (event.type === 'reload') this.#models++;
    const { state, actions } = step(this.state, event);
    this.state = state;
    this.#do(actions);
  }

  alive(where: (process: SimulatedProcess) => boolean = () => true): ProcessId[] {
    return [...this.processes].filter(([, each]) => each.isAlive && where(each)).map(([id]) => id);
  }

  loading(): ProcessId[] {
    return this.alive(({ isReady, isLeaving }) => !isReady && !isLeaving);
  }

  becomeReady(id: ProcessId): void {
    this.#get(id).isReady = true;
    this.mail.push({ type: 'ready', id });
  }

  fail(id: ProcessId): void {
    this.mail.push({ type: 'failed', id, failure: { code: 'REFUSED', message: 'a bad model' } });
    this.end(id, 1);
  }

  end(id: ProcessId, exitCode: number): void {
    const ended = this.#get(id);
    if (ended.isAlive) this.mail.push({ type: 'exited', id, exitCode, how: `exit code ${exitCode}` });
    ended.isAlive = false;
  }

  /** Delivers one report, whichever is the first to come through. */
  deliver(random: Random): void {
    const [event] = this.mail.splice(random.int(this.mail.length), 1);
    if (event) this.take(event);
  }

  /** Nothing bad happens any more, and everything that can happen does. */
  calmDown(random: Random): void {
    for (;;) {
      for (const id of this.alive(({ isLeaving }) => isLeaving)) this.end(id, 0);
      for (const id of this.loading()) this.becomeReady(id);
      if (this.mail.length === 0) return;
      this.deliver(random);
    }
  }

  get models(): number {
    return this.#models;
  }

  #get(id: ProcessId): SimulatedProcess {
    return this.processes.get(id) as SimulatedProcess;
  }

  #do(actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.type === 'end' || action.type === 'fail') this.endings.push(action);
      else if (action.type === 'start') this.#start(action.id);
      else if (action.type === 'kill') this.end(action.id, 1);
      else if (action.type === 'retire' || action.type === 'drain') this.#get(action.id).isLeaving = true;
    }
  }

  #start(id: ProcessId): void {
    if (this.processes.has(id)) throw new Error(`process ${id} is started twice`);
    this.processes.set(id, { isAlive: true, isReady: false, isLeaving: false, modelSeen: this.#models });
  }
}

type Move = (world: World, random: Random) => void;

function pick(ids: ProcessId[], random: Random, act: (id: ProcessId) => void): void {
  if (ids.length > 0) act(ids[random.int(ids.length)] as ProcessId);
}

const moves: Move[] = [
  (world) => world.take({ type: 'reload' }),
  (world, random) => pick(world.loading(), random, (id) => world.becomeReady(id)),
  (world, random) => pick(world.loading(), random, (id) => world.becomeReady(id)),
  (world, random) => pick(world.loading(), random, (id) => world.fail(id)),
  (world, random) => pick(world.alive(), random, (id) => world.end(id, 137)),
  ...Array.from({ length: 4 }, (): Move => (world, random) => world.deliver(random)),
];

/** Processes that the machine counts on. */
function heldBy({ phase }: State): ProcessId[] {
  return [...('serving' in phase ? [phase.serving] : []), ...('loading' in phase ? [phase.loading] : [])];
}

const isOver = ({ state }: World) => state.phase.name === 'stopping' || state.phase.name === 'ended';

/** Nobody is forgotten: what runs is counted on, or was told to finish. */
function strays(world: World): ProcessId[] {
  const held = heldBy(world.state);
  return world.alive(({ isLeaving }) => !isLeaving).filter((id) => !held.includes(id));
}

/** Somebody serves, or is about to. */
function hasSomebody(world: World): boolean {
  return heldBy(world.state).length > 0 !== isOver(world);
}

function live(seed: number, length: number): World {
  const random = createRandom(seed, 'supervisor');
  const world = new World();
  for (let i = 0; i < length; i++) {
    moves[random.int(moves.length)]?.(world, random);
    expect(strays(world)).toEqual([]);
    expect(hasSomebody(world)).toBe(true);
  }
  return world;
}

const anyModel = expect.any(Number) as number;

/** How a calm world ought to be: one process with the newest model (or the one before a model that was refused), or none and a reason. */
function wanted({ state, endings, models }: World): { models: (number | undefined)[]; endings: Action['type'][] } {
  if (state.phase.name === 'ended') return { models: [], endings: endings.length === 1 ? ['fail'] : [] };
  return { models: [state.history.lastFailure ? anyModel : models], endings: [] };
}

test('whatever is killed whenever, one process serves in the end, with the newest model, or the service has ended with a reason', () => {
  const ends = new Set<string>();
  for (let seed = 0; seed < 2000; seed++) {
    const world = live(seed, 40);
    world.calmDown(createRandom(seed, 'calm'));
    expect([strays(world), hasSomebody(world)]).toEqual([[], true]);
    ends.add(world.state.phase.name);
    const models = world.alive().map((id) => world.processes.get(id)?.modelSeen);
    expect({ models, endings: world.endings.map(({ type }) => type) }).toEqual(wanted(world));
  }
  expect(ends).toEqual(new Set(['serving', 'ended']));
});

test('whatever is going on when the service is told to stop, it ends once, when nobody is left', () => {
  for (let seed = 0; seed < 2000; seed++) {
    const world = live(seed, seed % 40);
    world.take({ type: 'stop', reason: 'SIGTERM' });
    const random = createRandom(seed, 'stop');
    for (let i = 0; i < 10; i++) moves[random.int(moves.length)]?.(world, random);
    if (seed % 5 === 0) world.take({ type: 'kill' });
    world.calmDown(random);
    expect(world.state.phase.name).toBe('ended');
    expect(world.alive()).toEqual([]);
    expect(world.endings).toHaveLength(1);
    expect(heldBy(world.state)).toEqual([]);
  }
});

test('no order of a reload and deaths makes two processes serve, or starts two', () => {
  const world = new World();
  world.take({ type: 'ready', id: 1 });
  world.take({ type: 'reload' });
  world.take({ type: 'exited', id: 1, exitCode: 1, how: 'SIGKILL' });
  expect(world.state.phase).toMatchObject({ name: 'starting', loading: 2 });
  expect(world.processes.size).toBe(2);
  world.take({ type: 'ready', id: 2 });
  expect(world.state).toMatchObject({ phase: { name: 'serving', serving: 2 }, history: { crashes: 1, reloads: 1 } });
});

test('a new model that is refused when the old process has died is tried once more, and then is the end', () => {
  const world = new World();
  const failure = { code: 'REFUSED', message: 'a bad model' };
  world.take({ type: 'ready', id: 1 });
  world.take({ type: 'reload' });
  world.take({ type: 'exited', id: 1, exitCode: 1, how: 'SIGKILL' });
  world.take({ type: 'failed', id: 2, failure });
  expect(world.state.phase).toMatchObject({ name: 'starting', loading: 3, isReplacement: false });
  world.take({ type: 'failed', id: 3, failure });
  expect(world.endings).toEqual([{ type: 'fail', failure }]);
});
