import { describe, expect, it } from 'vitest';
import {
  type Diagnosis,
  type DiagnosisInput,
  diagnose,
  diagnosisTags,
  formatDiagnoses,
  type StepSummary,
  type TrainedEpoch,
  verdictsOf,
  verdictsOfEpoch,
} from '../src/index.ts';

const idsOf = (diagnoses: readonly Diagnosis[]) => diagnoses.map(({ id }) => id);
const find = (diagnoses: readonly Diagnosis[], id: string) => diagnoses.find((diagnosis) => diagnosis.id === id);

/** Epochs from columns: training's loss and accuracy, validation's loss and accuracy. */
function history(rows: readonly (readonly [number, number, number, number])[], steps?: StepSummary): TrainedEpoch[] {
  return rows.map(([trainLoss, trainAccuracy, loss, accuracy], i) => ({
    phase: 'finetune',
    epoch: i + 1,
    metrics: { 'train/loss': trainLoss, 'train/accuracy': trainAccuracy, 'val/loss': loss, 'val/accuracy': accuracy },
    steps,
  }));
}

const healthySteps: StepSummary = { taken: 30, skipped: 0, firstLoss: 0.7, lowGradientNorm: 0.3, gradientNorm: 1.2 };
const unusedSettings = {
  'training.class_balanced_sampling': 'false',
  'training.loss.pos_weight': '1',
  'training.loss.name': 'bce',
  'training.clip_norm': '1',
  'data.n_rows': '-1',
};
const atRate = (rate: number) => ({ phases: [{ phase: 'finetune', rate, key: 'training.learning_rate' }] });

/** Good answers on 300 posts, 150 of them FAKE: 85 % right, well ranked. */
const good = verdictsOfEpoch({ 'val/recall': 0.85, 'val/accuracy': 0.85, 'val/auc': 0.92, 'val/loss': 0.38 }, 150, 150);
/** Every post called REAL, ranked by chance, at the loss of a constant answer. */
const constant = verdictsOfEpoch(
  { 'val/recall': 0, 'val/accuracy': 0.5, 'val/auc': 0.5, 'val/loss': 0.6931 },
  150,
  150,
);
const healthy: DiagnosisInput = {
  verdicts: good,
  epochs: history(
    [
      [0.69, 0.52, 0.66, 0.61],
      [0.55, 0.72, 0.47, 0.79],
      [0.41, 0.84, 0.38, 0.85],
    ],
    healthySteps,
  ),
  ...atRate(1e-3),
  settings: unusedSettings,
};

describe('a run that learned well', () => {
  it.each<[string, Partial<DiagnosisInput>]>([
    ['as it is', {}],
    ['without its epochs', { epochs: [] }],
    ['of a single epoch', { epochs: history([[0.5, 0.75, 0.38, 0.85]]) }],
    [
      'whose every gradient is clipped, as is usual in fine-tuning',
      {
        epochs: history(
          [
            [0.69, 0.5, 0.6, 0.7],
            [0.4, 0.85, 0.38, 0.85],
          ],
          { ...healthySteps, lowGradientNorm: 2, gradientNorm: 8 },
        ),
      },
    ],
    [
      'that began from a trained checkpoint, so that no loss moves',
      {
        epochs: history([
          [0.31, 0.87, 0.38, 0.85],
          [0.309, 0.87, 0.38, 0.85],
          [0.311, 0.87, 0.38, 0.85],
        ]),
      },
    ],
    [
      'with one skipped step in a thousand',
      {
        epochs: history(
          [
            [0.69, 0.5, 0.6, 0.7],
            [0.4, 0.85, 0.38, 0.85],
          ],
          { ...healthySteps, taken: 999, skipped: 1 },
        ),
      },
    ],
    [
      'whose last epochs are a little too many',
      {
        epochs: history([
          [0.6, 0.6, 0.45, 0.8],
          [0.35, 0.87, 0.38, 0.85],
          [0.2, 0.93, 0.45, 0.84],
        ]),
      },
    ],
    [
      'on unbalanced posts that were weighed up, though accuracy is below the commoner share',
      {
        verdicts: verdictsOfEpoch(
          { 'val/recall': 0.85, 'val/accuracy': 0.9, 'val/auc': 0.95, 'val/loss': 0.18 },
          552,
          48,
        ),
        trainingShare: 0.08,
      },
    ],
  ])('has no diagnosis: %s', (_, part) => {
    expect(diagnose({ ...healthy, ...part })).toEqual([]);
  });

  it('is tagged so', () => {
    expect(diagnosisTags([])).toEqual({
      'crosscheck.diagnosis': 'none',
      'crosscheck.diagnosis_text': 'nothing stands out',
    });
  });
});

describe('one answer for all', () => {
  // 8 % FAKE, all called REAL: accuracy 0.92, F1 0.
  const unbalanced = verdictsOfEpoch(
    { 'val/recall': 0, 'val/accuracy': 0.92, 'val/auc': 0.53, 'val/loss': 0.279 },
    276,
    24,
  );

  it('is said first, with the options that the config leaves unused', () => {
    const diagnoses = diagnose({ verdicts: unbalanced, settings: unusedSettings });
    expect(diagnoses[0]).toMatchObject({
      id: 'one-answer',
      sentence:
        'The model calls every post REAL and finds 0 of 24 FAKE posts; its accuracy is 0.9200, no more than one answer for all would give.',
    });
    expect(diagnoses[0]?.advice.join()).toContain(
      'training.class_balanced_sampling=true, training.loss.pos_weight=balanced or training.loss.name=focal',
    );
    expect(idsOf(diagnoses)).not.toContain('commonest-answer');
  });

  it('does not advise what is used already, nor weights where both labels are as common', () => {
    const settings = { ...unusedSettings, 'training.loss.name': 'focal', 'training.class_balanced_sampling': 'true' };
    const [first] = diagnose({ verdicts: unbalanced, settings });
    expect(first?.advice.join()).toContain('training.loss.pos_weight=balanced');
    expect(first?.advice.join()).not.toMatch(/focal|class_balanced/);
    expect(diagnose({ verdicts: constant, settings: unusedSettings })[0]?.advice.join()).not.toContain('pos_weight');
    expect(diagnose({ verdicts: constant, settings: unusedSettings, trainingShare: 0.1 })[0]?.advice.join()).toContain(
      'pos_weight',
    );
  });

  it('is also FAKE for all, or nearly all', () => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 2);
    const all = diagnose({
      verdicts: verdictsOf(
        labels.map(() => 0.9),
        labels,
        0.5,
      ),
    });
    expect(all[0]?.sentence).toContain('calls every post FAKE and finds 0 of 50 REAL posts');
    const nearly = diagnose({
      verdicts: verdictsOf(
        labels.map((_, i) => (i < 4 ? 0.1 : 0.9)),
        labels,
        0.5,
      ),
    });
    expect(nearly[0]?.sentence).toContain('calls 96 of 100 posts FAKE and finds 2 of 50 REAL posts');
  });

  it('of a model that ranks posts is a matter of the threshold', () => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 2);
    const low = labels.map((label, i) => 0.1 + 0.1 * label + 0.001 * i);
    const [first] = diagnose({ verdicts: verdictsOf(low, labels, 0.5) });
    expect(first?.id).toBe('one-answer');
    expect(first?.advice.join()).toContain('calibration.threshold=f1');
  });
});

describe('nothing learned', () => {
  it('is a loss at ln 2, with balanced labels', () => {
    const diagnoses = diagnose({ verdicts: constant, epochs: history([[0.6935, 0.5, 0.6931, 0.5]]) });
    expect(idsOf(diagnoses)).toEqual(['one-answer', 'learned-nothing', 'ranks-by-chance']);
    expect(find(diagnoses, 'learned-nothing')?.sentence).toContain('(0.6931)');
  });

  it('is a loss at the entropy of unbalanced labels, not at ln 2', () => {
    const entropy = -(0.08 * Math.log(0.08) + 0.92 * Math.log(0.92));
    const at = (loss: number) =>
      idsOf(
        diagnose({
          verdicts: verdictsOfEpoch(
            { 'val/recall': 0.2, 'val/accuracy': 0.92, 'val/auc': 0.55, 'val/loss': loss },
            276,
            24,
          ),
        }),
      );
    expect(at(entropy)).toContain('learned-nothing');
    expect(at(0.9 * entropy)).not.toContain('learned-nothing');
  });

  it('is a ranking whose interval includes 0.5, which few posts make wide', () => {
    const at = (rows: number) =>
      idsOf(
        diagnose({
          verdicts: verdictsOfEpoch(
            { 'val/recall': 0.6, 'val/accuracy': 0.6, 'val/auc': 0.62, 'val/loss': 0.66 },
            rows,
            rows,
          ),
        }),
      );
    expect(at(16)).toContain('ranks-by-chance');
    expect(at(400)).toEqual([]);
  });

  it('is told from a ranking that is turned around', () => {
    const verdicts = verdictsOfEpoch(
      { 'val/recall': 0.2, 'val/accuracy': 0.2, 'val/auc': 0.1, 'val/loss': 1.4 },
      150,
      150,
    );
    expect(find(diagnose({ verdicts }), 'turned-around')?.advice.join()).toContain('model.positive_class=real');
  });
});

describe('the learning rate', () => {
  it('is too low when the training loss hardly moves', () => {
    const epochs = history(
      [
        [0.6979, 0.5, 0.6975, 0.5],
        [0.6975, 0.5, 0.6972, 0.5],
        [0.6968, 0.5, 0.6969, 0.5],
      ],
      healthySteps,
    );
    const low = find(
      diagnose({ verdicts: constant, epochs, ...atRate(2e-5), settings: unusedSettings }),
      'rate-too-low',
    );
    expect(low?.sentence).toContain('from 0.6979 to 0.6968');
    expect(low?.advice).toEqual(['raise the rate: training.learning_rate=0.0002', 'train longer, or on more posts']);
  });

  it('is never advised to become one that would be too high', () => {
    const flat = history([
      [0.6978, 0.5, 0.6975, 0.5],
      [0.6968, 0.5, 0.6969, 0.5],
    ]);
    const adviceAt = (rate: number) =>
      find(diagnose({ verdicts: constant, epochs: flat, ...atRate(rate) }), 'rate-too-low')?.advice;
    expect(adviceAt(0.001)).toEqual(['raise the rate: training.learning_rate=0.005', 'train longer, or on more posts']);
    expect(adviceAt(0.005)).toEqual(['train longer, or on more posts']);
    expect(idsOf(diagnose({ verdicts: constant, epochs: flat, ...atRate(0.005) }))).not.toContain('rate-too-high');
  });

  it.each<[string, Partial<DiagnosisInput>, RegExp]>([
    [
      'steps are skipped',
      { epochs: history([[0.5, 0.7, 0.5, 0.7]], { ...healthySteps, skipped: 2 }) },
      /2 of 32 steps had no finite loss/,
    ],
    [
      'the loss spikes',
      {
        epochs: history(
          [
            [0.69, 0.5, 0.6, 0.6],
            [3.1, 0.5, 0.6, 0.6],
          ],
          healthySteps,
        ),
      },
      /3\.1000 in epoch 2/,
    ],
    [
      'the loss rises',
      {
        epochs: history(
          [
            [0.69, 0.5, 0.7, 0.5],
            [0.9, 0.5, 0.95, 0.5],
          ],
          healthySteps,
        ),
      },
      /rose from 0\.6900 to 0\.9000/,
    ],
    [
      'every gradient is clipped and nothing moves',
      {
        epochs: history(
          [
            [0.7, 0.5, 0.6, 0.6],
            [0.699, 0.5, 0.6, 0.6],
          ],
          { ...healthySteps, lowGradientNorm: 20, gradientNorm: 38 },
        ),
      },
      /cut to 1 \(their norm was about 38\)/,
    ],
    [
      'the network answers alike at a high one',
      { verdicts: constant, epochs: history([[0.72, 0.5, 0.6932, 0.5]]), ...atRate(0.1) },
      /at a rate of 0\.1/,
    ],
  ])('is too high when %s', (_, part, words) => {
    const high = find(diagnose({ ...healthy, ...part }), 'rate-too-high');
    expect(high?.sentence).toMatch(words);
    expect(high?.advice.join()).toMatch(/lower the rate: training\.learning_rate=0\.0/);
  });

  it('is never called too high and too low at once', () => {
    const epochs = history([
      [0.6935, 0.5, 0.6931, 0.5],
      [0.6934, 0.5, 0.6931, 0.5],
    ]);
    const ids = idsOf(diagnose({ verdicts: constant, epochs, ...atRate(0.1) }));
    expect(ids).toContain('rate-too-high');
    expect(ids).not.toContain('rate-too-low');
  });
});

describe('learning by heart', () => {
  const epochs = history([
    [0.69, 0.52, 0.69, 0.5],
    [0.3, 0.9, 1.2, 0.48],
    [0.09, 0.97, 2.58, 0.475],
  ]);

  it('is not answered with longer training', () => {
    const advice = diagnose({ verdicts: constant, epochs, ...atRate(1e-3) }).flatMap((found) => found.advice);
    expect(advice).toContain('train on more posts');
    expect(advice.join()).not.toContain('train longer');
  });

  it('is an accuracy far below that of training, and a validation loss that rises', () => {
    const found = find(
      diagnose({ verdicts: constant, epochs, settings: { ...unusedSettings, 'data.augmentation.enabled': 'false' } }),
      'overfits',
    );
    expect(found?.sentence).toContain('0.9700 on training posts and 0.4750 on validation in epoch 3');
    expect(found?.sentence).toContain('rose from 0.6900 in epoch 1 to 2.5800 in epoch 3');
    expect(found?.advice.join()).toContain('data.augmentation.enabled=true');
  });

  it('of an early phase is seen too', () => {
    const later = history([[0.4, 0.8, 0.42, 0.82]]).map((epoch) => ({ ...epoch, epoch: 4, phase: 'again' }));
    expect(idsOf(diagnose({ ...healthy, epochs: [...epochs, ...later] }))).toContain('overfits');
  });

  it('is not concluded from so few posts that chance explains the gap', () => {
    const few = verdictsOfEpoch({ 'val/recall': 0.75, 'val/accuracy': 0.75, 'val/auc': 0.9, 'val/loss': 0.5 }, 8, 8);
    const gap = history([[0.3, 0.92, 0.5, 0.75]]);
    expect(idsOf(diagnose({ verdicts: few, epochs: gap }))).toEqual([]);
    expect(idsOf(diagnose({ verdicts: good, epochs: gap }))).toEqual(['overfits']);
  });
});

describe('training that runs away from validation', () => {
  type Columns = Parameters<typeof history>[0];
  const phased = (phases: Readonly<Record<string, Columns>>): TrainedEpoch[] =>
    Object.entries(phases)
      .flatMap(([phase, rows]) => history(rows).map((epoch) => ({ ...epoch, phase })))
      .map((epoch, i) => ({ ...epoch, epoch: i + 1 }));
  /** A frozen phase that ends at 0.79 on training posts and 0.65 on 210 of validation. */
  const frozen: Columns = [
    [0.69, 0.54, 0.68, 0.56],
    [0.62, 0.66, 0.64, 0.63],
    [0.55, 0.72, 0.63, 0.65],
    [0.5, 0.77, 0.65, 0.64],
    [0.47, 0.79, 0.66, 0.65],
  ];
  const real = verdictsOfEpoch(
    { 'val/recall': 0.65, 'val/accuracy': 0.65, 'val/auc': 0.7, 'val/loss': 0.63 },
    105,
    105,
  );
  const settings: Record<string, string> = {
    'data.n_rows': '1000',
    'data.augmentation.enabled': 'true',
    'model.dropout_rate': '0.3',
    'model.projection_dropout': '0.3',
    'model.vision.stochastic_depth': '0.2',
    'model.text.dropout': '0.1',
    'model.freeze_vision': 'false',
    'model.freeze_text': 'false',
    'model.embedding_dim': '512',
    'model.fusion': 'concat',
    'training.weight_decay': '0.01',
    'training.loss.label_smoothing': '0',
    'training.layer_decay': '1',
    'training.early_stopping.enabled': 'true',
    'training.phases.frozen.num_epochs': '5',
    'training.phases.frozen.freeze_vision': 'true',
    'training.phases.frozen.freeze_text': 'true',
    'training.phases.frozen.augmentation': 'false',
    'training.phases.finetune.num_epochs': '2',
    'training.phases.finetune.freeze_vision': 'false',
    'training.phases.finetune.freeze_text': 'false',
  };
  const adviceOn = (epochs: TrainedEpoch[], changes: Record<string, string> = {}) =>
    find(diagnose({ verdicts: real, epochs, trainingRows: 735, settings: { ...settings, ...changes } }), 'overfits')
      ?.advice;

  it('is said of the phase that did so, with its figures', () => {
    const later: Columns = [[0.6, 0.66, 0.64, 0.64]];
    const diagnoses = diagnose({ verdicts: real, epochs: phased({ frozen, finetune: later }), trainingRows: 735 });
    expect(find(diagnoses, 'overfits')?.sentence).toBe(
      'It overfits in phase frozen, learning training posts by heart: accuracy was 0.7900 on training posts and 0.6500 on validation in epoch 5.',
    );
  });

  it('is answered with what that phase leaves unused', () => {
    expect(adviceOn(phased({ frozen }))).toEqual([
      'train on more posts: data.n_rows=-1',
      'augment images: training.phases.frozen.augmentation=true',
      'more dropout: model.dropout_rate=0.5 or model.projection_dropout=0.5',
      'regularise: training.weight_decay=0.1 or training.loss.label_smoothing=0.1',
      'stop earlier: training.phases.frozen.num_epochs=3',
      'train fewer weights: model.embedding_dim=256',
      'another way of fusion: model.fusion=compare',
    ]);
  });

  it('of backbones that learn is also answered by freezing them, and smaller steps far from the heads', () => {
    expect(adviceOn(phased({ finetune: frozen }))).toEqual([
      'train on more posts: data.n_rows=-1',
      'more dropout: model.dropout_rate=0.5, model.projection_dropout=0.5 or model.text.dropout=0.2',
      'regularise: training.weight_decay=0.1 or training.loss.label_smoothing=0.1',
      'stop earlier: training.phases.finetune.num_epochs=3',
      'train fewer weights: training.phases.finetune.freeze_vision=true, training.phases.finetune.freeze_text=true or training.layer_decay=0.8',
      'another way of fusion: model.fusion=compare',
    ]);
  });

  it('is not answered with what is used already', () => {
    const all = {
      'data.n_rows': '-1',
      'model.dropout_rate': '0.5',
      'model.projection_dropout': '0.6',
      'model.fusion': 'compare',
      'model.embedding_dim': '64',
      'training.weight_decay': '0.1',
      'training.loss.label_smoothing': '0.1',
      'training.phases.frozen.augmentation': 'true',
    };
    expect(adviceOn(phased({ frozen: frozen.slice(0, 1).concat([[0.47, 0.79, 0.66, 0.65]]) }), all)).toEqual([
      'train on more posts',
    ]);
  });

  it('is not concluded from too few posts on either side', () => {
    const idsWith = (rows: number, trainingRows: number) => {
      const metrics = { 'val/recall': 0.65, 'val/accuracy': 0.65, 'val/auc': 0.9, 'val/loss': 0.6 };
      return idsOf(
        diagnose({ verdicts: verdictsOfEpoch(metrics, rows / 2, rows / 2), epochs: phased({ frozen }), trainingRows }),
      );
    };
    expect(idsWith(210, 735)).toEqual(['overfits']);
    expect(idsWith(40, 735)).toEqual([]);
    expect(idsWith(210, 40)).toEqual([]);
  });

  it('is not concluded from another mix of labels: balanced epochs beside posts that are mostly REAL', () => {
    // Recall 0.95, specificity 0.6: 0.775 on as many of both, 0.635 on 270 REAL and 30 FAKE.
    const metrics = { 'val/recall': 0.95, 'val/accuracy': 0.635, 'val/auc': 0.9, 'val/loss': 0.3 };
    const verdicts = verdictsOfEpoch(metrics, 270, 30);
    const epochs = [
      { phase: 'finetune', epoch: 1, metrics: { 'train/accuracy': 0.78, 'train/loss': 0.4, ...metrics } },
    ];
    const of = (balanced: string) =>
      idsOf(diagnose({ verdicts, epochs, settings: { 'training.class_balanced_sampling': balanced } }));
    expect(of('true')).not.toContain('overfits');
    expect(of('false')).toContain('overfits');
  });

  /** `npm run demo`: 2,000 training posts, 400 of validation. */
  const demo: Record<string, Columns> = {
    frozen: [
      [0.6928, 0.516, 0.6623, 0.685],
      [0.4588, 0.8055, 0.5388, 0.76],
      [0.3293, 0.874, 0.3826, 0.84],
      [0.2624, 0.904, 0.2281, 0.9375],
      [0.1904, 0.9375, 0.2325, 0.91],
      [0.1653, 0.944, 0.1441, 0.955],
      [0.1407, 0.953, 0.1755, 0.925],
      [0.1223, 0.9565, 0.1115, 0.955],
      [0.0956, 0.9625, 0.1112, 0.9625],
      [0.0999, 0.968, 0.0953, 0.9675],
      [0.0819, 0.9735, 0.0962, 0.9675],
      [0.0848, 0.972, 0.1124, 0.9675],
      [0.0701, 0.9775, 0.0769, 0.98],
      [0.0631, 0.9755, 0.0794, 0.9825],
      [0.0567, 0.979, 0.0766, 0.975],
      [0.0539, 0.9805, 0.0679, 0.985],
      [0.0497, 0.982, 0.065, 0.985],
      [0.049, 0.9825, 0.065, 0.9875],
      [0.0465, 0.981, 0.0642, 0.9875],
      [0.0501, 0.98, 0.0642, 0.9875],
    ],
    finetune: [
      [0.3559, 0.9135, 0.1194, 0.9675],
      [0.2202, 0.936, 0.0364, 0.995],
      [0.1263, 0.957, 0.0553, 0.9875],
      [0.1193, 0.97, 0.0411, 0.99],
      [0.1158, 0.968, 0.0197, 0.995],
    ],
  };

  it('is said of no part of the demo', () => {
    const judged = verdictsOfEpoch(
      { 'val/recall': 0.99, 'val/accuracy': 0.995, 'val/auc': 1, 'val/loss': 0.02 },
      200,
      200,
    );
    const epochs = phased(demo);
    for (let count = 1; count <= epochs.length; count++)
      expect(idsOf(diagnose({ verdicts: judged, epochs: epochs.slice(0, count), trainingRows: 2000 }))).not.toContain(
        'overfits',
      );
  });
});

describe('probabilities', () => {
  it('that are worse than none, of a model that ranks posts, want calibration', () => {
    const verdicts = verdictsOfEpoch(
      { 'val/recall': 0.8, 'val/accuracy': 0.8, 'val/auc': 0.87, 'val/loss': 1.4 },
      150,
      150,
    );
    expect(diagnose({ verdicts })).toMatchObject([
      { id: 'overconfident', advice: [expect.stringContaining('pnpm calibrate')] },
    ]);
  });

  it('that need an extreme temperature are remarked upon', () => {
    expect(diagnose({ verdicts: good, temperature: 5.81 })).toMatchObject([
      {
        id: 'extreme-temperature',
        sentence: 'Temperature 5.81 is extreme: the logits are far surer than they are right.',
      },
    ]);
    expect(diagnose({ verdicts: good, temperature: 2 })).toEqual([]);
  });
});

describe('posts of one label', () => {
  it('are said before all, and hide what only follows', () => {
    const verdicts = verdictsOf([0.1, 0.2, 0.3], [0, 0, 0], 0.5);
    expect(diagnose({ verdicts })).toMatchObject([
      { id: 'one-class', sentence: expect.stringContaining('All 3 judged posts are REAL') },
    ]);
  });

  it('are not judged at all when there are none', () => {
    expect(diagnose({ verdicts: verdictsOf([], [], 0.5) })).toEqual([]);
  });
});

it('verdicts of an epoch are those of its answers', () => {
  const labels = Array.from({ length: 40 }, (_, i) => i % 2);
  const probabilities = labels.map((label, i) => (i % 5 === 0 ? 0.45 : 0.2 + 0.6 * label));
  const answers = verdictsOf(probabilities, labels, 0.5);
  const { tp, fn } = answers.confusion;
  const right = answers.confusion.tp + answers.confusion.tn;
  const metrics = {
    'val/recall': tp / (tp + fn),
    'val/accuracy': right / 40,
    'val/auc': answers.rocAuc.value,
    'val/loss': answers.loss,
  };
  expect(verdictsOfEpoch(metrics, 20, 20).confusion).toEqual(answers.confusion);
});

it('lines and tags give the sentences in their order', () => {
  const diagnoses = diagnose({ verdicts: constant, settings: unusedSettings });
  const lines = formatDiagnoses(diagnoses);
  expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain(`! ${diagnoses[0]?.sentence}`);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(diagnosisTags(diagnoses)['crosscheck.diagnosis']).toBe('one-answer,learned-nothing,ranks-by-chance');
});
