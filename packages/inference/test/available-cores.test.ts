import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { availableCores } from '../src/runtime/available-cores.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

test('a cgroup v2 quota of one and a half cores counts as one', () => {
  writeFileSync(`${folder.dir}/cpu.max`, '150000 100000\n');
  expect(availableCores(folder.dir)).toBe(1);
});

test('a quota below one core still leaves one', () => {
  writeFileSync(`${folder.dir}/cpu.max`, '25000 100000\n');
  expect(availableCores(folder.dir)).toBe(1);
});

test('without a quota, or with one above the machine, the machine decides', () => {
  expect(availableCores(folder.dir)).toBe(availableParallelism());
  writeFileSync(`${folder.dir}/cpu.max`, 'max 100000\n');
  expect(availableCores(folder.dir)).toBe(availableParallelism());
  writeFileSync(`${folder.dir}/cpu.max`, '99900000 100000\n');
  expect(availableCores(folder.dir)).toBe(availableParallelism());
});

test('a cgroup v1 quota is read too, and -1 means none', () => {
  mkdirSync(`${folder.dir}/cpu`);
  writeFileSync(`${folder.dir}/cpu/cpu.cfs_quota_us`, '100000\n');
  writeFileSync(`${folder.dir}/cpu/cpu.cfs_period_us`, '100000\n');
  expect(availableCores(folder.dir)).toBe(1);
  writeFileSync(`${folder.dir}/cpu/cpu.cfs_quota_us`, '-1\n');
  expect(availableCores(folder.dir)).toBe(availableParallelism());
});
