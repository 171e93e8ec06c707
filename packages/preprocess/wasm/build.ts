// Compiles the kernels: `node packages/preprocess/wasm/build.ts` rewrites their files in src; tests keep the two in step.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';
import wabt from 'wabt';

/** Where the kernels come from, beside this file, and where they go. */
interface Kernels {
  source: string;
  target: string;
  constant: string;
  compile: (source: string) => Promise<Uint8Array>;
}

/** Loops in which every instruction was placed by hand are WebAssembly text; a longer program is AssemblyScript. */
export const kernels = {
  resample: {
    source: 'resample.wat',
    target: '../src/image/resample-wasm.ts',
    constant: 'resampleWasm',
    compile: compileText,
  },
  jpeg: {
    source: 'jpeg/index.ts',
    target: '../src/jpeg/jpeg-wasm.ts',
    constant: 'jpegWasm',
    compile: compileAssemblyScript,
  },
} satisfies Record<string, Kernels>;

function readSource(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

async function compileText(source: string): Promise<Uint8Array> {
  const compiler = await wabt();
  return compiler.parseWat(source, readSource(source), { simd: true }).toBinary({}).buffer;
}

const optimised = [
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--enable',
  'relaxed-simd',
];

async function compileAssemblyScript(source: string): Promise<Uint8Array> {
  let compiled = new Uint8Array();
  const { error } = await asc.main([source, ...optimised, '--outFile', 'kernels.wasm'], {
    readFile: (name) => (name.startsWith(path.dirname(source)) ? readSource(name) : null),
    writeFile: (_, contents) => void (compiled = Uint8Array.from(contents as Uint8Array)),
    listFiles: () => [],
    stderr: process.stderr,
  });
  if (error) throw error;
  return compiled;
}

/** What the kernels' file in src should say. */
export async function compileKernels({ source, constant, compile }: Kernels): Promise<string> {
  const lines =
    Buffer.from(await compile(source))
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  return `// Written by wasm/build.ts from wasm/${source}.
export const ${constant} =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
}

if (process.argv[1] === import.meta.filename) {
  for (const each of Object.values(kernels))
    writeFileSync(new URL(each.target, import.meta.url), await compileKernels(each));
}
