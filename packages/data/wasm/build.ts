// Compiles augment.wat: `node packages/data/wasm/build.ts` rewrites src/augment/augment-wasm.ts; a test keeps the two in step.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('augment.wat', import.meta.url);

/** The text of src/augment/augment-wasm.ts for the augment.wat beside this file. */
export async function compileKernels(): Promise<string> {
  const compiler = await wabt();
  const { buffer } = compiler
    .parseWat('augment.wat', readFileSync(source, 'utf8'), { simd: true, relaxed_simd: true })
    .toBinary({});
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  return `// Written by wasm/build.ts from wasm/augment.wat.
export const augmentWasm =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL('../src/augment/augment-wasm.ts', import.meta.url), await compileKernels());
}
