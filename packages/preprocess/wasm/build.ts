// Compiles resample.wat: `node packages/preprocess/wasm/build.ts` rewrites src/resample-wasm.ts; a test keeps the two in step.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('resample.wat', import.meta.url);

/** The text of src/resample-wasm.ts for the resample.wat beside this file. */
export async function compileKernels(): Promise<string> {
  const compiler = await wabt();
  const { buffer } = compiler.parseWat('resample.wat', readFileSync(source, 'utf8'), { simd: true }).toBinary({});
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  return `// Written by wasm/build.ts from wasm/resample.wat.
export const resampleWasm =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL('../src/resample-wasm.ts', import.meta.url), await compileKernels());
}
