import { expect, test } from 'vitest';
import { renderSearch, type SearchData, type SearchedTrial } from '../src/index.ts';

const trial = (number: number, value: number | null, more: Partial<SearchedTrial> = {}): SearchedTrial => ({
  number,
  state: value === null ? 'fail' : 'complete',
  values: value === null ? null : [value],
  params: { rate: 10 ** -(number + 2), 'model.fusion': number % 2 },
  texts: { rate: String(10 ** -(number + 2)), 'model.fusion': ['concat', '<gated>'][number % 2] as string },
  epochs: [[1, value ?? 0]],
  seconds: 60,
  note: null,
  ...more,
});

const data: SearchData = {
  study: 'posts & rates',
  storage: 'sqlite:///study.db',
  facts: { sampler: 'TPESampler(seed=1)' },
  objectives: [{ metric: 'val/accuracy', direction: 'maximize' }],
  params: [
    { name: 'rate', short: 'rate', low: 1e-5, high: 1e-2, log: true },
    { name: 'model.fusion', short: 'fusion', choices: ['concat', '<gated>'] },
  ],
  trials: [trial(2, 0.9), trial(1, 0.8), trial(0, 0.7), trial(3, null, { note: 'loss is not finite' })],
  best: [2],
  importances: [{ rate: 0.75, 'model.fusion': 0.25 }],
  importancesMissing: null,
  createdAt: '2026-12-01T12:00:00.000Z',
};

/** The words of a page, without its styles. */
const words = (page: string) =>
  page
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

test('the page of a search has its best trial, its course, what mattered, and every trial', async () => {
  const page = await renderSearch(data);
  const text = words(page);
  for (const part of ['Trial 2 is the best', 'best val/accuracy 0.9', 'trials finished 3', 'failed 1'])
    expect(text).toContain(part);
  expect(text).toContain('0.00001 to 0.01, by logarithm');
  expect(page).toContain('val/accuracy of 3 trials; the best is 0.9.');
  expect(page).toContain('Importance for val/accuracy: rate 75 %, fusion 25 %.');
  expect(page).toContain('3 trials as lines over val/accuracy, rate, fusion.');
  expect(text).toContain('loss is not finite');
  expect(page).toContain('&lt;gated&gt;');
  expect(page).not.toContain('<gated>');
  expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
});

test('a page without a finished trial says so', async () => {
  const nothing = { ...data, trials: [trial(0, null)], best: [], importances: [], importancesMissing: 'no trial' };
  const text = words(await renderSearch(nothing));
  expect(text).toContain('No trial has reached its end');
  expect(text).toContain('There are no importances: no trial.');
});

test('several objectives are shown against each other', async () => {
  const two: SearchData = {
    ...data,
    objectives: [...data.objectives, { metric: 'val/loss', direction: 'minimize' }],
    trials: data.trials.map((one) => ({ ...one, values: one.values && [...one.values, 0.5] })),
    best: [2],
    importances: [...data.importances, { rate: 1, 'model.fusion': 0 }],
  };
  const page = await renderSearch(two);
  expect(page).toContain('1 of 3 trials are not beaten in every objective.');
  expect(page).not.toContain('val/accuracy by trial');
});
