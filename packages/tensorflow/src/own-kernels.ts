import { readFileSync } from 'node:fs';
import { backend } from './kernels.ts';
import { openedFlavor } from './open.ts';
import { kernelDigest } from './setup/kernel-sources.ts';
import { runtimeLayout } from './setup/platform.ts';
import type { RuntimeManifest } from './setup/setup.ts';

function readKernels(): RuntimeManifest['kernels'] {
  return (JSON.parse(readFileSync(runtimeLayout(openedFlavor).manifest, 'utf8')) as RuntimeManifest).kernels;
}

/**
 * Whether the kernels of `native/` can be called: they are there for the CPU, where the addon was compiled from these very sources.
 * `CROSSCHECK_OWN_KERNELS=off` does without them.
 */
export const hasOwnKernels: boolean =
  !backend.isUsingGpuDevice && process.env['CROSSCHECK_OWN_KERNELS'] !== 'off' && isCurrent(readKernels());

function isCurrent(kernels: RuntimeManifest['kernels']): boolean {
  const digest = kernelDigest();
  return kernels?.built === true && (digest === null || kernels.digest === digest);
}
