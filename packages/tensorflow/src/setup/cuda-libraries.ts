import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import type { RuntimeLayout } from './platform.ts';
import { runTool } from './run-tool.ts';

/** The CUDA wheels that TensorFlow's own metadata names: `nvidia-cublas-cu12==12.5.3.2`, … */
export function parseCudaRequirements(metadata: string): string[] {
  const pattern = /^Requires-Dist: (nvidia-[\w-]+) ?\(?(==[\w.]+)\)? ?; ?extra == ["']and-cuda["']/gm;
  return [...metadata.matchAll(pattern)].map(([, name, version]) => `${name}${version}`);
}

/** Installs them beside TensorFlow as in Python's site-packages, where TensorFlow's own search path finds them. */
export async function installCudaLibraries(layout: RuntimeLayout, say: (line: string) => void): Promise<void> {
  const info = (await readdir(layout.root)).find((name) => name.endsWith('.dist-info'));
  const metadata = info ? await readFile(path.join(layout.root, info, 'METADATA'), 'utf8') : '';
  const requirements = parseCudaRequirements(metadata);
  say(`installing ${requirements.length} CUDA libraries with pip (about 2.6 GB)`);
  const args = ['-m', 'pip', 'install', '--no-deps', '--only-binary=:all:', '--target', layout.root, ...requirements];
  const { code } = await runTool('python3', args, { show: true });
  if (code === 0 && requirements.length > 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_DOWNLOAD',
    `pip could not install the CUDA libraries (${requirements.join(', ') || 'none are named by this wheel'}); its message is above. ` +
      'Check the network and disk space, or use the CPU: pnpm tensorflow:setup --flavor cpu',
  );
}
