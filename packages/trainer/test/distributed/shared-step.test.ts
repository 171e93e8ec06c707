import { createModel, type Model, type TrainingInput } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import type { Workers } from '../../src/distributed/workers.ts';
import { digestWeights } from '../../src/features/feature-key.ts';
import type { StepOptions } from '../../src/loop/step/step-sums.ts';
import { type StepOutcome, takeStep } from '../../src/loop/step/take-step.ts';
import { stepOn, stepOptions, tinyInput, tinyModelOptions } from '../support/tiny-step.ts';
import { workersTogether } from '../support/workers-together.ts';

const open: { dispose(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.dispose();
});

interface Member {
  model: Model;
  options: StepOptions;
}

function member(overrides: string[], workers?: Workers): Member {
  const model = createModel(tinyModelOptions());
  const options = { ...stepOptions(model, ...overrides), ...(workers && { workers }), clipNorm: 0.5 };
  open.push(model, options.optimizer);
  return { model, options };
}

const partsOf = (count: number) => [`training.accumulate_steps=${count}`, 'training.batch_size=4'];

/** One step of a few workers on these batches, the first of them with the first worker. */
function stepTogether(
  team: Member[],
  batches: readonly TrainingInput[],
  step: number,
): Promise<(StepOutcome | null)[]> {
  const place = { phaseStep: step, step, epoch: 0 };
  return Promise.all(
    team.map(({ options }) => {
      const own = batches.map((input, index) => ({ index, input }));
      return takeStep(
        options,
        own.filter(
          ({ index }) => Math.floor((index * team.length) / options.phase.accumulateSteps) === options.workers.rank,
        ),
        place,
      );
    }),
  );
}

const gather = (world: number, count: number) =>
  workersTogether(world).workers.map((each) => member(partsOf(count), each));

describe('a step of several workers', () => {
  it('has the outcome of one process, and parts of unlike sizes count by their samples', async () => {
    const batches = [tinyInput(4, 1), tinyInput(1, 2), tinyInput(4, 3)];
    const alone = member(partsOf(3));
    const expected = await stepOn(alone.options, batches, { phaseStep: 0, step: 0, epoch: 0 });
    for (const world of [2, 3]) {
      const team = gather(world, 3);
      for (const outcome of await stepTogether(team, batches, 0)) {
        expect(outcome).toMatchObject({ skipped: false, batchSize: 9, labels: expected.labels });
        expectClose(outcome?.logits ?? [], expected.logits, { maxAbs: 0 });
        expect(outcome?.loss).toBeCloseTo(expected.loss, 6);
        expect(outcome?.gradientNorm).toBeCloseTo(expected.gradientNorm, 5);
      }
      for (const [name, buffer] of alone.model.buffers)
        expectClose(team[0]?.model.buffers.get(name)?.dataSync() ?? [], buffer.dataSync(), { maxAbs: 1e-6 });
      expect(new Set(team.map(({ model }) => digestWeights(model))).size).toBe(1);
    }
  });

  it.each([2, 4])('of two gives the very bits of one process, with %d parts and short steps', async (parts) => {
    const alone = member(partsOf(parts));
    const team = gather(2, parts);
    for (const [step, sizes] of [[4, 4, 4, 4], [4, 3], [2], [4, 4, 1]].map((all) => all.slice(0, parts)).entries()) {
      const batches = sizes.map((size, i) => tinyInput(size, 10 * step + i));
      const expected = await stepOn(alone.options, batches, { phaseStep: step, step, epoch: 0 });
      const [outcome] = await stepTogether(team, batches, step);
      expect(outcome?.gradientNorm).toBe(expected.gradientNorm);
    }
    for (const { model } of team) expect(digestWeights(model)).toBe(digestWeights(alone.model));
  });

  it('leaves no tensors behind, whether a worker has parts or not', async () => {
    const team = gather(3, 3);
    await stepTogether(team, [tinyInput(4, 1), tinyInput(4, 2), tinyInput(4, 3)], 0);
    await expectNoLeak(tf, () => stepTogether(team, [tinyInput(4, 4)], 1));
    await expectNoLeak(tf, () => stepTogether(team, [tinyInput(4, 5), tinyInput(2, 6)], 2));
    await expectNoLeak(tf, () => stepTogether(team, [], 3));
    expect(new Set(team.map(({ model }) => digestWeights(model))).size).toBe(1);
  });

  it('is skipped by all when one part is not finite, and changes nothing', async () => {
    const team = gather(2, 2);
    const before = team.map(({ model }) => digestWeights(model));
    const broken = { ...tinyInput(4, 2), label: Float32Array.of(Number.NaN, 1, 0, 1) };
    const outcomes = await stepTogether(team, [tinyInput(4, 1), broken], 0);
    expect(outcomes.map((outcome) => outcome?.skipped)).toEqual([true, true]);
    expect(team.map(({ model }) => digestWeights(model))).toEqual(before);
    expect(team.map(({ options }) => options.optimizer.state().steps)).toEqual([{}, {}]);
  });

  it('is no step where nobody has a sample', async () => {
    expect(await stepTogether(gather(2, 2), [], 0)).toEqual([null, null]);
  });
});
