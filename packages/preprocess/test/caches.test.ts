import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { coefficientsFor, keptCoefficientBytes } from '../src/image/resample-coefficients.ts';
import { resampleWasm } from '../src/image/resample-wasm.ts';
import { decodeImage } from '../src/index.ts';
import { type KernelMemory, largestMemory, openKernels } from '../src/instantiate.ts';
import { keptSpanBytes, spansFor } from '../src/jpeg/spans.ts';
import { keptSymbolBytes } from '../src/jpeg/symbol-table.ts';
import { keepRecent, recentBytes } from '../src/recent.ts';

describe('keepRecent', () => {
  it('keeps what fits into its bytes, and lets the oldest go', () => {
    const recent = keepRecent<Uint8Array>((made) => made.length, 1000);
    const make = (name: string, bytes: number) => recent(name, () => new Uint8Array(bytes));
    const first = make('a', 400);
    expect(make('a', 1)).toBe(first);
    make('b', 400);
    expect(recent.bytes()).toBe(804);
    make('c', 300);
    expect(recent.bytes()).toBe(704);
    expect(make('a', 400)).not.toBe(first);
  });

  it('does not keep what alone is too large, nor lets others go for it', () => {
    const recent = keepRecent<Uint8Array>((made) => made.length, 1000);
    const small = recent('small', () => new Uint8Array(10));
    expect(recent('large', () => new Uint8Array(2000))).toHaveLength(2000);
    expect(recent('small', () => new Uint8Array(10))).toBe(small);
  });
});

it('tables for many widths near the longest leave no more in memory than a few', async () => {
  for (let i = 0; i < 18; i++) {
    spansFor(65_500 - i, 1, 8);
    coefficientsFor(65_500 - i, 8);
  }
  const create = { width: 65_500, height: 8, channels: 3 as const, background: 'teal' };
  await decodeImage(await sharp({ create }).jpeg().toBuffer(), { size: 8 });
  for (const kept of [keptSpanBytes(), keptSymbolBytes(), keptCoefficientBytes()]) {
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(recentBytes);
  }
});

it('kernels give memory back that one picture needed', () => {
  const kernels = openKernels<{ memory: KernelMemory }>(resampleWasm);
  kernels.current().memory.grow(100);
  kernels.tidy();
  expect(kernels.current().memory.buffer.byteLength).toBeLessThanOrEqual(largestMemory);
  kernels.current().memory.grow(400);
  kernels.tidy();
  expect(kernels.current().memory.buffer.byteLength).toBeLessThanOrEqual(largestMemory);
});
