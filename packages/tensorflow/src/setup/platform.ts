import { existsSync } from 'node:fs';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { userCacheFolder } from '@crosscheck/files';

/** The TensorFlow release whose wheel carries the C library. 2.19 to 2.21 were seen to work as well. */
export const tensorflowVersion = '2.18.1';

export type Flavor = 'cpu' | 'cuda';

export interface Wheel {
  /** Name on the Python package index. */
  project: string;
  /** pip's platform tag. Any CPython's wheel will do, since only the C library and headers are used. */
  platformTag: string;
  sha256: string;
  library: string;
  framework: string;
}

const linuxLibraries = { library: 'libtensorflow_cc.so.2', framework: 'libtensorflow_framework.so.2' };
const macLibraries = { library: 'libtensorflow_cc.2.dylib', framework: 'libtensorflow_framework.2.dylib' };

/** `<platform>-<arch>-<flavor>` → wheel. Hashes are those of the cp312 wheels of `tensorflowVersion`. */
export const wheels: Readonly<Record<string, Wheel>> = {
  'linux-x64-cpu': {
    project: 'tensorflow-cpu',
    platformTag: 'manylinux_2_17_x86_64',
    sha256: '8e0f27dbd92c6d380ae0ccfe73c7343f65c127b0aa98467c30c2e71eda7c76a4',
    ...linuxLibraries,
  },
  'linux-x64-cuda': {
    project: 'tensorflow',
    platformTag: 'manylinux_2_17_x86_64',
    sha256: '442d2a774811789a8ad948e7286cb950fe3d87d3754e8cc6449d53b03dbfdaa6',
    ...linuxLibraries,
  },
  'linux-arm64-cpu': {
    project: 'tensorflow',
    platformTag: 'manylinux_2_17_aarch64',
    sha256: '1ba52b9c06ab8102b31e50acfaf56899b923171e603c8942f2bfeb181d6bb59e',
    ...linuxLibraries,
  },
  'darwin-arm64-cpu': {
    project: 'tensorflow',
    platformTag: 'macosx_12_0_arm64',
    sha256: '98afa9c7f21481cdc6ccd09507a7878d533150fbb001840cc145e2132eb40942',
    ...macLibraries,
  },
};

export interface Machine {
  platform: string;
  arch: string;
  hasNvidiaDriver: boolean;
}

/** The NVIDIA kernel driver shows itself as a device file; WSL 2 has its own. */
export function describeMachine(): Machine {
  const hasNvidiaDriver = ['/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'].some((file) => existsSync(file));
  return { platform: process.platform, arch: process.arch, hasNvidiaDriver };
}

/** What can be asked for. */
export const flavors = ['auto', 'cpu', 'cuda'] as const;

/** `auto` means CUDA where an NVIDIA driver and a CUDA wheel exist, and the CPU otherwise. */
export function chooseFlavor(wanted: string, machine: Machine = describeMachine()): Flavor {
  if (wanted === 'cpu' || wanted === 'cuda') return wanted;
  if (wanted !== 'auto') {
    throw new CrosscheckError(
      'CROSSCHECK_TENSORFLOW_UNKNOWN_FLAVOR',
      `TensorFlow's flavor must be auto, cpu or cuda, got "${wanted}"; set --flavor or CROSSCHECK_TENSORFLOW_FLAVOR`,
    );
  }
  const hasCudaWheel = `${machine.platform}-${machine.arch}-cuda` in wheels;
  return machine.hasNvidiaDriver && hasCudaWheel ? 'cuda' : 'cpu';
}

/** The wheel for this machine and flavor. */
export function findWheel(flavor: Flavor, machine: Machine = describeMachine()): Wheel {
  const wheel = wheels[`${machine.platform}-${machine.arch}-${flavor}`];
  if (wheel) return wheel;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_PLATFORM',
    `there is no ${flavor} TensorFlow ${tensorflowVersion} for ${machine.platform}-${machine.arch}; ` +
      `known: ${Object.keys(wheels).join(', ')}. Train on one of these, or in the container of Dockerfile-train`,
  );
}

export interface RuntimeLayout {
  /** Laid out like Python's site-packages, because the CUDA libraries are found relative to TensorFlow's. */
  root: string;
  libraries: string;
  include: string;
  addon: string;
  /** Written last: its presence means that the folder is complete. */
  manifest: string;
}

/** Where one flavor of the runtime lives. */
export function runtimeLayout(flavor: Flavor, cache: string = userCacheFolder()): RuntimeLayout {
  const root = path.join(cache, `tensorflow-${tensorflowVersion}-${process.platform}-${process.arch}-${flavor}`);
  return layoutAt(root);
}

export function layoutAt(root: string): RuntimeLayout {
  return {
    root,
    libraries: path.join(root, 'tensorflow'),
    include: path.join(root, 'tensorflow', 'include'),
    addon: path.join(root, 'addon', 'tfjs_binding.node'),
    manifest: path.join(root, 'runtime.json'),
  };
}
