import { CrosscheckError } from '@crosscheck/contract';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import {
  renderConfusionMatrix,
  renderEvaluationPlot,
  renderEvaluationPlots,
  renderEvaluationSvg,
  renderTrainingCurves,
} from '../src/index.ts';
import { twoPhaseEpochs } from './history.ts';
import { exampleSplit } from './split.ts';

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
  test('cells that hold more of their row are darker', async () => {
    const png = await renderConfusionMatrix({ tn: 90, fp: 10, fn: 20, tp: 80 });
    const { width, height } = await sharp(png).metadata();
    const [left, top] = [Math.round(width * 0.25), Math.round(height * 0.25)];
    const [w, h] = [Math.floor((width - left) / 2), Math.floor((height - top) / 2)];
    const greyOf = async (column: number, row: number) => {
      const cell = sharp(png).extract({ left: left + column * w, top: top + row * h, width: w, height: h });
      return (await sharp(await cell.greyscale().toBuffer()).stats()).channels[0]?.mean as number;
    };
    expect(await greyOf(0, 0)).toBeLessThan((await greyOf(1, 0)) - 30);
    expect(await greyOf(1, 1)).toBeLessThan((await greyOf(0, 1)) - 30);
  });

  test('no rows still give a matrix of zeros', async () => {
    expect((await measure(await renderConfusionMatrix({ tn: 0, fp: 0, fn: 0, tp: 0 }))).inked).toBeGreaterThan(0.002);
  });
});

describe('evaluation plots', () => {
  test('all six are drawn from rows of both classes', async () => {
    const plots = await renderEvaluationPlots(exampleSplit(400));
    expect(Object.keys(plots)).toEqual([
      'roc_curve',
      'precision_recall_curve',
      'reliability',
      'probabilities',
      'threshold_sweep',
      'coverage',
    ]);
    for (const png of Object.values(plots)) {
      const { width, height, inked } = await measure(png);
      expect(Math.min(width, height)).toBeGreaterThan(600);
      expect(Math.max(width, height)).toBeLessThan(1000);
      expect(inked).toBeGreaterThan(0.005);
    }
  });

  test('ten thousand rows stay a small file', async () => {
    const svg = await renderEvaluationSvg('roc_curve', exampleSplit(10_000));
    expect(svg.length).toBeLessThan(40_000);
  });

  test('one class leaves the ROC curve out, and asking for it by name is refused', async () => {
    const split = { split: 'tiny', probabilities: [0.2, 0.9], labels: [1, 1], threshold: 0.5 };
    expect(Object.keys(await renderEvaluationPlots(split))).not.toContain('roc_curve');
    await expect(renderEvaluationPlot('roc_curve', split)).rejects.toThrow(
      expect.objectContaining({
        code: 'CROSSCHECK_REPORT_EMPTY',
        message: expect.stringContaining('2 rows of split "tiny"'),
      }),
    );
  });

  test('no rows draw nothing', async () => {
    expect(await renderEvaluationPlots({ split: 'none', probabilities: [], labels: [], threshold: 0.5 })).toEqual({});
  });

  test('a stand-alone SVG has a name with its figures and keeps text as text', async () => {
    const svg = await renderEvaluationSvg('roc_curve', exampleSplit(400));
    expect(svg).toMatch(/<svg[^>]* role="img" aria-label="ROC curve with an area of 0\.\d{3}\./);
    expect(svg).toContain('false-positive rate');
    expect(svg).not.toContain('var(');
  });
});
