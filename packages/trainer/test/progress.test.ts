import { describe, expect, it } from 'vitest';
import { showProgress } from '../src/consumers/progress.ts';
import { createEpochTotals } from '../src/loop/epoch-totals.ts';
import type { TrainEvent } from '../src/loop/events.ts';
import { stepEvent } from './support/events.ts';
import { composeTiny } from './support/tiny-step.ts';

const { phase } = composeTiny('training.num_epochs=2', 'training.learning_rate=2e-5');
const position = { phase: 0, epoch: 0, batch: 1, phaseStep: 1, step: 1, totalEpochs: 0 };
const step = (batch: number) => stepEvent(phase, { ...position, batch });
const events: TrainEvent[] = [
  { kind: 'phase-start', phase, stepsPerEpoch: 2, trainable: 1234, cachesFeatures: false, position },
  { kind: 'epoch-start', phase, epoch: 1, steps: 2 },
  step(1),
  { kind: 'skipped-step', phase, position: { ...position, batch: 2 }, loss: Number.NaN, isToStop: false },
  {
    kind: 'epoch',
    steps: createEpochTotals().steps(),
    phase,
    position: { ...position, totalEpochs: 1 },
    seconds: 3.21,
    metrics: { 'train/loss': 0.5, 'train/accuracy': 0.75, 'val/loss': 0.4, 'val/accuracy': 0.8, 'val/auc': 0.9 },
  },
  { kind: 'phase-end', phase, reason: 'early stopping', position },
];

function show(isTTY: boolean): string {
  let text = '';
  const progress = showProgress({ isTTY, write: (part: string) => (text += part) });
  for (const event of events) void progress.on(event);
  return text;
}

describe('progress', () => {
  it('is a line per phase and epoch where there is no terminal, and a line for what went wrong', () => {
    expect(show(false).trimEnd().split('\n')).toEqual([
      'phase finetune: 1,234 parameters learn at 0.00002, 2 epochs of 2 steps',
      'batch 2 skipped: its loss is NaN',
      'finetune epoch 1 · train loss 0.5000 acc 0.7500 · val loss 0.4000 acc 0.8000 auc 0.9000 · 3.2 s',
      'phase finetune ended: early stopping',
    ]);
  });
});
