import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import type { RuntimeLayout, Wheel } from './platform.ts';
import { compiler, runTool } from './run-tool.ts';

const require = createRequire(import.meta.url);

// The addon finds TensorFlow beside itself, so the runtime's folder may be moved or copied into an image.
const linkOptions: Record<string, string[]> = {
  linux: ['-shared', '-fPIC', '-Wl,-rpath,$ORIGIN/../tensorflow'],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path/../tensorflow'],
};

/** Compiles tfjs-node's two C++ files against TensorFlow's C interface. Node-API: one build serves every Node since 20. */
export async function buildAddon(wheel: Wheel, layout: RuntimeLayout): Promise<void> {
  const source = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const { include_dir: nodeApi } = require('node-api-headers') as { include_dir: string };
  await mkdir(path.dirname(layout.addon), { recursive: true });
  const options = ['-std=c++17', '-O2', '-DNAPI_VERSION=8', '-w', ...(linkOptions[process.platform] ?? [])];
  const includes = [source, layout.include, nodeApi].map((folder) => `-I${folder}`);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => path.join(source, 'binding', file));
  const libraries = [wheel.library, wheel.framework].map((file) => path.join(layout.libraries, file));
  const args = [...options, ...includes, ...sources, ...libraries, '-o', layout.addon];
  const { code, output } = await runTool(compiler(), args);
  if (code === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_BUILD',
    `${compiler()} could not build the TensorFlow addon (it must understand C++17; set CXX to another compiler):\n${output.trim()}`,
  );
}
