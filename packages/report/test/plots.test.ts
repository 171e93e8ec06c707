import { CrosscheckError } from '@crosscheck/contract';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { renderConfusionMatrix, renderTrainingCurves } from '../src/index.ts';
import { twoPhaseEpochs } from './history.ts';

/** Width, height and the share of pixels that are not paper. */
async function measure(png: Buffer) {
  const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, inked: data.filter((value) => value < 200).length / data.length };
}

describe('training curves', () => {
  test('six panels fill three columns', async () => {
    const png = await renderTrainingCurves(twoPhaseEpochs);
    const { width, height, inked } = await measure(png);
    expect(width).toBeGreaterThan(2 * 3 * 300);
    expect(height).toBeGreaterThan(2 * 2 * 170);
    expect(inked).toBeGreaterThan(0.005);
    expect(inked).toBeLessThan(0.3);
  });

  test('metrics that were not measured leave no panel', async () => {
    const lossOnly = twoPhaseEpochs.map(({ metrics, ...epoch }) => ({
      ...epoch,
      metrics: { 'train/loss': metrics['train/loss'] as number, 'val/auc': Number.NaN },
    }));
    const { width } = await measure(await renderTrainingCurves(lossOnly));
    expect(width).toBeLessThan(2 * 2 * 300);
  });

  test.each([1, 2, 40, 300])('%i epochs can be drawn', async (count) => {
    const epochs = Array.from({ length: count }, (_, i) => ({
      phase: 'p',
      epoch: i,
      metrics: { 'val/loss': 1 / (i + 1) },
    }));
    expect((await measure(await renderTrainingCurves(epochs))).inked).toBeGreaterThan(0.001);
  });

  test('epochs without metrics are refused', async () => {
    const epochs = [{ phase: 'frozen', epoch: 0, metrics: { 'val/loss': Number.NaN } }];
    await expect(renderTrainingCurves(epochs)).rejects.toThrow(CrosscheckError);
    await expect(renderTrainingCurves([])).rejects.toThrow(/at least one of train\/loss.*got 0 epochs/);
  });
});

describe('confusion matrix', () => {
  test('a better model has a darker diagonal', async () => {
    const greyAt = async (png: Buffer, x: number, y: number) => {
      const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
      return data[Math.round(y * info.height) * info.width + Math.round(x * info.width)] as number;
    };
    const png = await renderConfusionMatrix({ tn: 90, fp: 10, fn: 20, tp: 80 });
    expect(await greyAt(png, 0.25, 0.2)).toBeLessThan(await greyAt(png, 0.65, 0.2));
    expect(await greyAt(png, 0.95, 0.9)).toBeLessThan(await greyAt(png, 0.25, 0.9));
  });

  test('no rows still give a matrix of zeros', async () => {
    expect((await measure(await renderConfusionMatrix({ tn: 0, fp: 0, fn: 0, tp: 0 }))).inked).toBeGreaterThan(0.002);
  });
});
