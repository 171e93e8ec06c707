import type { EpochRecord } from '../src/index.ts';

/** Five epochs with frozen backbones and four of fine-tuning, with curves as a real run has them. */
export const twoPhaseEpochs: EpochRecord[] = Array.from({ length: 9 }, (_, i) => {
  const learned = 1 - Math.exp(-i / 3);
  return {
    phase: i < 5 ? 'frozen' : 'finetune',
    epoch: i,
    metrics: {
      'train/loss': 0.69 - 0.5 * learned,
      'train/accuracy': 0.5 + 0.47 * learned,
      'train/f1': 0.4 + 0.5 * learned,
      'train/auc': 0.5 + 0.48 * learned,
      'val/loss': 0.69 - 0.4 * learned + (i > 6 ? 0.03 * (i - 6) : 0),
      'val/accuracy': 0.5 + 0.42 * learned,
      'val/precision': 0.5 + 0.3 * learned,
      'val/recall': 0.6 + 0.2 * learned,
      'val/f1': 0.4 + 0.48 * learned,
      'val/auc': 0.5 + 0.46 * learned,
      learning_rate: i < 5 ? 1e-4 * (1 - i / 5) : 2e-5 * (1 - (i - 5) / 4),
    },
  };
});
