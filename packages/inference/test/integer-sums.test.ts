import { expect, test } from 'vitest';
import { saturatesIntegerSums } from '../src/runtime/integer-sums.ts';

test.each([
  ['flags : fpu avx2 avx512f avx512_vnni', 'x64', false],
  ['flags : fpu avx2 avx_vnni', 'x64', false],
  ['flags : fpu avx2 avx512f', 'x64', true],
  ['', 'x64', true],
  ['Features : asimd', 'arm64', false],
])('with %j on %s, integer sums saturate: %s', (cpuInfo, arch, expected) => {
  expect(saturatesIntegerSums(cpuInfo, arch)).toBe(expected);
});
