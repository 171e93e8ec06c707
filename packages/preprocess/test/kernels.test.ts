import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compileKernels, kernels } from '../wasm/build.ts';

/** What a file of kernels holds, however it is folded. */
const contents = (file: string) => (file.match(/'([A-Za-z0-9+/=]+)'/g) ?? []).map((part) => part.slice(1, -1)).join('');

it.each(Object.values(kernels))('$target is what $source says', async (each) => {
  const committed = readFileSync(new URL(`../wasm/${each.target}`, import.meta.url), 'utf8');
  expect(contents(committed)).toBe(contents(await compileKernels(each)));
});
