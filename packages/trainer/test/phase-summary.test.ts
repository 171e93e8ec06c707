import { expect, test } from 'vitest';
import { phaseSummary } from '../src/report/phase-summary.ts';

const record = (phaseIndex: number, phase: string, epoch: number, accuracy: number) => ({
  phaseIndex,
  phase,
  epoch,
  step: epoch,
  seconds: 1,
  metrics: { 'val/accuracy': accuracy },
});

test('tells the best validation accuracy of each phase with its interval', () => {
  const history = [record(0, 'frozen', 1, 0.7), record(0, 'frozen', 2, 0.8), record(1, 'finetune', 3, 0.95)];
  // Wilson's interval of 80 and 95 right ones in 100.
  expect(phaseSummary(history, 100)).toEqual([
    'phase frozen: val/accuracy 0.8000, 95 % interval 0.7112 to 0.8666, in epoch 2',
    'phase finetune: val/accuracy 0.9500, 95 % interval 0.8882 to 0.9785, in epoch 3',
  ]);
});

test('names of epochs with the same accuracy the one of the lowest loss, which is the one that a run keeps', () => {
  const history = [0.7, 0.69, 0.71].map((loss, i) => {
    const epoch = record(0, 'finetune', i + 1, 0.5);
    return { ...epoch, metrics: { ...epoch.metrics, 'val/loss': loss } };
  });
  expect(phaseSummary(history, 30)).toEqual([expect.stringMatching(/0\.5000, .*, in epoch 2$/)]);
});

test('leaves out a phase whose validation had one class only and no accuracy', () => {
  expect(phaseSummary([{ ...record(0, 'frozen', 1, 0), metrics: {} }], 10)).toEqual([]);
});
