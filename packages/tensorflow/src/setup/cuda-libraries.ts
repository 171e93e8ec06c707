import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { cudaWheelHashes } from './cuda-wheel-hashes.ts';
import type { RuntimeLayout } from './platform.ts';
import { runTool } from './run-tool.ts';

/** The CUDA wheels that TensorFlow's own metadata names: `nvidia-cublas-cu12==12.5.3.2`, … */
export function parseCudaRequirements(metadata: string): string[] {
  const pattern = /^Requires-Dist: (nvidia-[\w-]+) ?\(?(==[\w.]+)\)? ?; ?extra == ["']and-cuda["']/gm;
  return [...metadata.matchAll(pattern)].map(([, name, version]) => `${name}${version}`);
}

/**
 * What pip is to install: every wheel with its hash. Other versions come only from a wheel of TensorFlow that the user brought.
 *
 * @throws CROSSCHECK_TENSORFLOW_DOWNLOAD
 */
export function pinned(requirements: readonly string[], isGiven: boolean): { lines: string[]; isHashed: boolean } {
  const unknown = requirements.filter((requirement) => !Object.hasOwn(cudaWheelHashes, requirement));
  if (requirements.length > 0 && unknown.length === 0)
    return { lines: requirements.map((one) => `${one} --hash=sha256:${cudaWheelHashes[one]}`), isHashed: true };
  if (requirements.length > 0 && isGiven) return { lines: [...requirements], isHashed: false };
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_DOWNLOAD',
    `expected CUDA libraries whose hashes are known, got ${unknown.join(', ') || 'none named by this wheel'}; ` +
      'use the CPU (pnpm tensorflow:setup --flavor cpu), or bring the wheel yourself with CROSSCHECK_TENSORFLOW_WHEEL',
  );
}

/** Installs them beside TensorFlow as in Python's site-packages, where TensorFlow's own search path finds them. */
export async function installCudaLibraries(
  layout: RuntimeLayout,
  { isGiven, say }: { isGiven: boolean; say: (line: string) => void },
): Promise<void> {
  const info = (await readdir(layout.root)).find((name) => name.endsWith('.dist-info'));
  const metadata = info ? await readFile(path.join(layout.root, info, 'METADATA'), 'utf8') : '';
  const { lines, isHashed } = pinned(parseCudaRequirements(metadata), isGiven);
  say(`installing ${lines.length} CUDA libraries with pip (about 2.6 GB)`);
  if (!isHashed)
    say('their hashes are not known, because the wheel of TensorFlow is your own: pip takes what the index has');
  const list = path.join(layout.root, 'cuda-requirements.txt');
  await writeFile(list, `${lines.join('\n')}\n`);
  const checks = ['--no-deps', '--only-binary=:all:', ...(isHashed ? ['--require-hashes'] : [])];
  const args = ['-m', 'pip', 'install', ...checks, '--target', layout.root, '--requirement', list];
  const { code } = await runTool('python3', args, { show: true });
  if (code === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_DOWNLOAD',
    `pip could not install the CUDA libraries (${lines.join(', ')}); its message is above. ` +
      'Check the network and disk space, or use the CPU: pnpm tensorflow:setup --flavor cpu',
  );
}
