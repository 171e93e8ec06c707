import { expect, test } from 'vitest';
import { shardsOf } from '../src/layout.ts';
import { scoreConfigSchema } from '../src/schema.ts';
import { composeScore } from './run-score.ts';

test('configs/config_score.yaml names every key, with the defaults of the schema', () => {
  expect(composeScore([])).toEqual(scoreConfigSchema.parse({}));
  expect(Object.keys(composeScore([]).score)).toEqual(Object.keys(scoreConfigSchema.shape.score.unwrap().shape));
});

test.each([
  [1, 10],
  [3, 10],
  [7, 3],
])('%i workers share %i shards: each belongs to one', (workers, count) => {
  const shards = Array.from({ length: count }, (_, i) => String(i));
  const all = Array.from({ length: workers }, (_, index) => shardsOf(index, { workers, shards }));
  expect(all.flat().toSorted()).toEqual(shards.toSorted());
  expect(Math.max(...all.map((own) => own.length)) - Math.min(...all.map((own) => own.length))).toBeLessThanOrEqual(1);
});
