import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoopCommand, ResumePoint, TrainEvent } from '../src/loop/events.ts';
import { runTraining, startOfRun } from '../src/loop/loop.ts';
import { openPhase } from '../src/run/open-phase.ts';
import { type OpenRun, openRun } from '../src/run/open-run.ts';
import { makePosts } from './support/posts.ts';
import { quietly, runOf, shortRun } from './support/run-train.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');

beforeAll(() => makePosts(posts));
afterAll(root.remove);

async function open(...overrides: string[]): Promise<OpenRun> {
  const all = [...shortRun(posts, root.dir), 'training.num_epochs=1', ...overrides];
  const { config } = composeConfig({ configName: 'config', schema: trainConfigSchema, overrides: all });
  return (await quietly(() => openRun(runOf(config, path.join(root.dir, 'run'))))).result;
}

/** Runs the loop from a point, asking `answer` about every event. */
async function runLoop(
  run: OpenRun,
  start: ResumePoint,
  answer: (event: TrainEvent) => LoopCommand | undefined = () => undefined,
): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  const opened = async (...[phase, position]: Parameters<Parameters<typeof runTraining>[0]['openPhase']>) =>
    (await openPhase(run, phase, { position, previous: undefined })).session;
  const loop = runTraining({ phases: run.phases, start, maxSteps: null, openPhase: opened });
  for (let next = await loop.next(); !next.done; next = await loop.next(answer(next.value))) events.push(next.value);
  return events;
}

const stopAt = (what: 'features' | 'validation') => (event: TrainEvent) =>
  event.kind === 'progress' && event.what === what ? ('stop-run' as const) : undefined;
const find = <K extends TrainEvent['kind']>(events: TrainEvent[], kind: K) =>
  events.find((event): event is Extract<TrainEvent, { kind: K }> => event.kind === kind);

it('a stop in mid-validation keeps the steps of the epoch, and only the validation is done again', async () => {
  const run = await open();
  const events = await runLoop(run, startOfRun, stopAt('validation'));
  expect(events.filter(({ kind }) => kind === 'step')).toHaveLength(4);
  expect(find(events, 'epoch')).toBeUndefined();
  expect(find(events, 'phase-end')?.reason).toBe('interrupted');
  const point = find(events, 'interrupted');
  expect(point?.position).toMatchObject({ epoch: 0, batch: 4, step: 4 });
  const rest = await runLoop(run, point as ResumePoint);
  expect(rest.filter(({ kind }) => kind === 'step')).toHaveLength(0);
  const losses = events.flatMap((event) => (event.kind === 'step' ? [event.loss] : []));
  const { metrics } = find(rest, 'epoch') ?? { metrics: {} as Record<string, number> };
  expect(metrics['train/loss']).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / losses.length, 6);
  expect(metrics['val/loss']).toBeGreaterThan(0);
  await run.close();
});

it('a stop while features are computed ends the phase before its first step', async () => {
  const run = await open('model.freeze_vision=true', 'model.freeze_text=true', 'data.augmentation.enabled=false');
  const events = await runLoop(run, startOfRun, stopAt('features'));
  expect(events.map(({ kind }) => kind)).toEqual(['phase-start', 'progress', 'interrupted', 'phase-end']);
  expect(find(events, 'interrupted')?.position).toEqual(startOfRun.position);
  await run.close();
});
