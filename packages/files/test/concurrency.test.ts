import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createSlots, forEachConcurrently, mapConcurrently } from '../src/index.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('bounded concurrency', () => {
  test('begins items in their order, at most so many at once, one in each lane', async () => {
    const begun: number[] = [];
    const busy = new Set<number>();
    let most = 0;
    await forEachConcurrently(numbers(20), 3, async (item, index, lane) => {
      expect([item, busy.has(lane), lane < 3]).toEqual([index, false, true]);
      begun.push(item);
      most = Math.max(most, busy.add(lane).size);
      for (let turn = 0; turn <= item % 4; turn++) await setImmediate();
      busy.delete(lane);
    });
    expect({ begun, most }).toEqual({ begun: numbers(20), most: 3 });
  });

  test('after an error begins no other item, waits for those under way and throws the first error', async () => {
    const [begun, ended]: [number[], number[]] = [[], []];
    const work = async (item: number) => {
      begun.push(item);
      if (item === 1) throw new Error('the first');
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      ended.push(item);
      if (item === 2) throw new Error('a later one');
    };
    await expect(forEachConcurrently(numbers(10), 3, work)).rejects.toThrow('the first');
    expect({ begun, ended: ended.toSorted((a, b) => a - b) }).toEqual({ begun: [0, 1, 2], ended: [0, 2] });
  });

  test('results come in the order of the items', async () => {
    const work = async (item: number) => {
      for (let turn = item; turn < 6; turn++) await setImmediate();
      return item * 10;
    };
    expect(await mapConcurrently(numbers(6), 4, work)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(await mapConcurrently([], 4, work)).toEqual([]);
  });

  test('slots hand themselves on in line, also after an error', async () => {
    const slot = createSlots(1);
    const order: string[] = [];
    const enter = (name: string, fails = false) =>
      slot(async () => {
        order.push(`${name} begins`);
        await setImmediate();
        order.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    await Promise.allSettled([enter('a', true), enter('b'), enter('c')]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});
