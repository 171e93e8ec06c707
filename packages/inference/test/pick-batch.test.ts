import { expect, test } from 'vitest';
import { pickBatch } from '../src/batching/pick-batch.ts';

const line = (...tokens: number[]) => tokens.map((n, id) => ({ tokens: n, id }));
const idsOf = (items: { id: number }[]) => items.map(({ id }) => id);

test('the post that waits longest goes first, with those near to it in length', () => {
  const waiting = line(20, 128, 22, 19, 25, 100);
  expect(idsOf(pickBatch(waiting, 3))).toEqual([0, 3, 2]);
  expect(idsOf(waiting)).toEqual([1, 4, 5]);
});

test('a post that waits longer goes before one that fits a little better', () => {
  expect(idsOf(pickBatch(line(20, 21, 40, 40, 40, 40, 40, 20), 2))).toEqual([0, 1]);
  expect(idsOf(pickBatch(line(20, 23, 40, 40, 40, 40, 40, 20), 2))).toEqual([0, 7]);
});

test('a long text does not pull short ones up to its length', () => {
  const waiting = line(128, 20, 20, 124, 20);
  expect(idsOf(pickBatch(waiting, 8))).toEqual([0, 3]);
});

test('padding a whole batch for one more post counts for every post in it', () => {
  expect(idsOf(pickBatch(line(20, 20, 20, 23), 4))).toEqual([0, 1, 2]);
});

test('an empty line gives an empty batch', () => {
  expect(pickBatch([], 8)).toEqual([]);
});

test('everybody leaves the line exactly once', () => {
  const waiting = line(...Array.from({ length: 50 }, (_, i) => 3 + ((i * 37) % 126)));
  const taken: number[] = [];
  while (waiting.length > 0) taken.push(...idsOf(pickBatch(waiting, 8)));
  expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});
