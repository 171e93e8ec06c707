import { createModel, type Gradients, type Model } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { distanceFromHeads, trainableIn } from '../src/loop/blocks.ts';
import { resolveLoss } from '../src/loop/step/loss.ts';
import {
  composeTiny,
  stepOn,
  stepOptions,
  tinyInput,
  tinyModelOptions,
  weightBits,
  weightsOf,
} from './support/tiny-step.ts';

const first = { phaseStep: 0, step: 0, epoch: 0 };
let model: Model;

beforeEach(() => {
  model = createModel(tinyModelOptions());
});
afterEach(() => model.dispose());

const frozen = ['model.freeze_vision=true', 'model.freeze_text=true'];

/** Samples `from` to `to` of an input. */
function slice(input: ReturnType<typeof tinyInput>, from: number, to: number): ReturnType<typeof tinyInput> {
  const part = <T extends { length: number; slice(a: number, b: number): T }>(array: T) => {
    const width = array.length / input.size;
    return array.slice(from * width, to * width);
  };
  return {
    ...input,
    size: to - from,
    image: part(input.image as Float32Array),
    inputIds: part(input.inputIds as Int32Array),
    attentionMask: part(input.attentionMask as Int32Array),
    label: part(input.label),
  };
}

describe('gradient accumulation', () => {
  it('takes the step that one large batch takes, also when the parts differ in size', async () => {
    // Batch norm sees the parts and not the whole, so the vision backbone stays in evaluation mode here.
    const whole = tinyInput(6);
    const other = createModel(tinyModelOptions());
    const once = await stepOn(stepOptions(model, ...frozen), [whole], first);
    const parts = [slice(whole, 0, 2), slice(whole, 2, 6)];
    const accumulated = await stepOn(stepOptions(other, ...frozen), parts, first);
    expect(accumulated.batchSize).toBe(6);
    expect(accumulated.loss).toBeCloseTo(once.loss, 6);
    expect(accumulated.gradientNorm).toBeCloseTo(once.gradientNorm, 5);
    expectClose(accumulated.logits, once.logits, { maxAbs: 1e-5 });
    expectClose(accumulated.labels, once.labels, { maxAbs: 0 });
    for (const name of model.trainableNames({ vision: true, text: true })) {
      const [a, b] = [model, other].map(({ variables }) => variables.get(name)?.dataSync() as Float32Array);
      expectClose(b ?? [], a ?? [], { maxAbs: 5e-6 });
    }
    other.dispose();
  });

  it('moves running statistics once, by the mean over the samples of all parts', async () => {
    const parts = [tinyInput(2, 1), tinyInput(6, 2)];
    const read = (of: Model) => new Map(Array.from(of.buffers, ([name, buffer]) => [name, buffer.dataSync().slice()]));
    const after = async (inputs: ReturnType<typeof tinyInput>[]) => {
      const fresh = createModel(tinyModelOptions());
      await stepOn(stepOptions(fresh), inputs, first);
      const result = { statistics: read(fresh), tracked: [...fresh.batchesTracked.values()] };
      fresh.dispose();
      return result;
    };
    const [small, large, both] = [await after(parts.slice(0, 1)), await after(parts.slice(1)), await after(parts)];
    for (const [name, values] of both.statistics) {
      const [a, b] = [small, large].map(({ statistics }) => statistics.get(name) as Float32Array);
      expectClose(
        values,
        values.map((_, i) => 0.25 * (a?.[i] as number) + 0.75 * (b?.[i] as number)),
        { maxAbs: 1e-5 },
      );
    }
    expect(new Set(both.tracked)).toEqual(new Set([1]));
  });

  it('leaves no tensors behind', async () => {
    const options = stepOptions(model, ...frozen);
    await stepOn(options, [tinyInput(), tinyInput()], first);
    await expectNoLeak(tf, () => stepOn(options, [tinyInput(), tinyInput()], { ...first, step: 1 }));
    options.optimizer.dispose();
  });
});

describe('gradual unfreezing', () => {
  const overrides = ['training.gradual_unfreezing.enabled=true', 'training.gradual_unfreezing.epochs_per_block=2'];

  it('opens one block of each backbone after another, from the top', () => {
    const { phase } = composeTiny(...overrides);
    const open = (epoch: number) => {
      const names = trainableIn(model, phase, epoch).filter((name) => name.includes('.backbone.'));
      return [...new Set(names.map((name) => /(features\.\d+|layer\.\d+|embeddings)/.exec(name)?.[1]))];
    };
    expect(open(0)).toEqual(['features.3', 'layer.1']);
    expect(open(1)).toEqual(['features.3', 'layer.1']);
    expect(open(2)).toEqual(['features.2', 'features.3', 'layer.0', 'layer.1']);
    expect(open(4)).toEqual(['features.1', 'features.2', 'features.3', 'embeddings', 'layer.0', 'layer.1']);
    expect(trainableIn(model, phase, 6)).toEqual(model.trainableNames({ vision: false, text: false }));
  });

  it('leaves closed blocks bit-identical', async () => {
    const before = weightBits(model);
    await stepOn(stepOptions(model, ...overrides), [tinyInput(4)], first);
    const after = weightBits(model);
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed.length).toBeGreaterThan(10);
    expect(Math.max(...changed.map((name) => distanceFromHeads(name, model.architecture)))).toBe(1);
  });
});

describe('layer-wise rate decay', () => {
  it('lowers the rate by the same factor from block to block', async () => {
    const before = weightsOf(model);
    const rate = 1e-3;
    const options = stepOptions(
      model,
      'training.layer_decay=0.5',
      `training.learning_rate=${rate}`,
      'training.weight_decay=0',
    );
    await stepOn(options, [tinyInput(4)], first);
    // Adam's first step moves every weight with a gradient by the rate.
    const moved = (name: string) => {
      const [a, b] = [before.get(name) as Float32Array, model.variables.get(name)?.dataSync() as Float32Array];
      return Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));
    };
    const expected = {
      'fusion.0.weight': rate,
      'vision_branch.projection.0.weight': rate,
      'vision_branch.backbone.features.3.0.weight': rate / 2,
      'vision_branch.backbone.features.0.0.weight': rate / 16,
      'text_branch.backbone.transformer.layer.1.ffn.lin1.weight': rate / 2,
      'text_branch.backbone.embeddings.word_embeddings.weight': rate / 8,
    };
    for (const [name, by] of Object.entries(expected)) expect(moved(name) / by, name).toBeCloseTo(1, 2);
  });
});

describe('losses', () => {
  const gradientsWith = (loss: Parameters<typeof model.computeGradients>[1]): Gradients =>
    model.computeGradients(tinyInput(4), loss);
  const perSample = ({ logits }: Gradients) => {
    const { label } = tinyInput(4);
    return Array.from(logits, (x, i) => Math.log1p(Math.exp(label[i] === 1 ? -x : x)));
  };
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('weigh FAKE posts by training.loss.pos_weight', () => {
    const result = gradientsWith({ seed: 1, training: false, positiveWeight: 3 });
    expect(result.loss).toBeCloseTo(mean(perSample(result).map((loss, i) => (i % 2 === 1 ? 3 * loss : loss))), 5);
    result.dispose();
  });

  it('let focal loss count easy posts less', () => {
    const result = gradientsWith({ seed: 1, training: false, focalGamma: 2 });
    expect(result.loss).toBeCloseTo(mean(perSample(result).map((loss) => loss * (1 - Math.exp(-loss)) ** 2)), 5);
    result.dispose();
  });

  it('give focal loss the gradient of its value', () => {
    const name = 'fusion.6.bias';
    const at = (shift: number) => {
      const variable = model.variables.get(name) as tf.Variable;
      const original = variable.dataSync().slice();
      tf.tidy(() => variable.assign(tf.add(variable, shift)));
      const result = gradientsWith({ seed: 1, training: false, focalGamma: 2 });
      const gradient = result.gradients.get(name)?.dataSync()[0] as number;
      result.dispose();
      tf.tidy(() => variable.assign(tf.tensor(original, variable.shape)));
      return { loss: result.loss, gradient };
    };
    const [below, here, above] = [at(-0.05), at(0), at(0.05)];
    expect((above.loss - below.loss) / 0.1).toBeCloseTo(here.gradient, 4);
  });

  it('count balanced weights on the training posts', () => {
    const labels = [0, 0, 0, 1].map((label) => ({ label: label as 0 | 1 }));
    const { config } = composeTiny('training.loss.pos_weight=balanced', 'training.loss.name=focal');
    expect(resolveLoss(config, labels)).toEqual({ positiveWeight: 3, labelSmoothing: 0, focalGamma: 2 });
    expect(() => resolveLoss(config, labels.slice(0, 3))).toThrow('3 REAL and 0 FAKE');
  });
});
