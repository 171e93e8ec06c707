import { mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { addonSources, kernelSources } from './kernel-sources.ts';
import type { RuntimeLayout, Wheel } from './platform.ts';
import { compiler, runTool, type ToolResult } from './run-tool.ts';

const require = createRequire(import.meta.url);

// The addon finds TensorFlow beside itself, so the runtime's folder may be moved or copied into an image.
const linkOptions: Record<string, string[]> = {
  linux: ['-shared', '-fPIC', '-Wl,-rpath,$ORIGIN/../tensorflow'],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path/../tensorflow'],
};

/** What our own kernels are compiled with: fast loops, without the parts of C's arithmetic that keep compilers from vectorising. */
const kernelOptions = ['-O3', '-fno-math-errno', '-fno-trapping-math'];

/**
 * Compiles tfjs-node's two C++ files, which `native/addon` includes as they are, and our own kernels against TensorFlow's C interface. Node-API:
 * one build serves every Node since 20. A compiler that does not understand the kernels builds the rest: the engine then uses TensorFlow's kernels alone.
 *
 * @returns whether our own kernels are in it
 */
export async function buildAddon(wheel: Wheel, layout: RuntimeLayout): Promise<boolean> {
  await mkdir(path.dirname(layout.addon), { recursive: true });
  const sources = kernelSources();
  if (sources.length > 0 && (await compile(wheel, layout, [...kernelOptions, ...sources])).code === 0) return true;
  const { code, output } = await compile(wheel, layout, []);
  if (code === 0) return false;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_BUILD',
    `${compiler()} could not build the TensorFlow addon (it must understand C++17; set CXX to another compiler):\n${output.trim()}`,
  );
}

/** A process that has the old addon open keeps it: the new one takes its name when it is complete. */
async function compile(wheel: Wheel, layout: RuntimeLayout, more: string[]): Promise<ToolResult> {
  const source = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const { include_dir: nodeApi } = require('node-api-headers') as { include_dir: string };
  const target = `${layout.addon}.${process.pid}`;
  const args = [
    ['-std=c++17', '-O2', '-DNAPI_VERSION=8', '-w', '-pthread'],
    linkOptions[process.platform] ?? [],
    [`-I${source}`, `-I${layout.include}`, `-I${nodeApi}`],
    addonSources(),
    more,
    [wheel.library, wheel.framework].map((file) => path.join(layout.libraries, file)),
    ['-o', target],
  ].flat();
  const result = await runTool(compiler(), args);
  if (result.code === 0) await rename(target, layout.addon);
  return result;
}
