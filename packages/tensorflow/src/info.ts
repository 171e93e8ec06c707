import { spawnSync } from 'node:child_process';
import { backend } from './kernels.ts';
import { openedFlavor } from './open.ts';
import { describeMachine, type Flavor, tensorflowVersion } from './setup/platform.ts';

export interface TensorflowInfo {
  version: string;
  flavor: Flavor;
  device: 'CPU' | 'GPU';
  gpuName: string | null;
  /** Why a CUDA build computes on the CPU, or null. */
  note: string | null;
}

function queryGpuName(): string | null {
  const result = spawnSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' });
  return result.status === 0 ? (result.stdout.split('\n')[0]?.trim() ?? null) : null;
}

function explainCpu(): string {
  return describeMachine().hasNvidiaDriver
    ? 'the CUDA build found a driver but could not use the GPU; TF_CPP_MIN_LOG_LEVEL=0 shows why'
    : 'the CUDA build found no NVIDIA driver and computes on the CPU';
}

/** Which TensorFlow this process runs on, and where it computes. */
export function tensorflowInfo(): TensorflowInfo {
  const onGpu = backend.isUsingGpuDevice;
  return {
    version: tensorflowVersion,
    flavor: openedFlavor,
    device: onGpu ? 'GPU' : 'CPU',
    gpuName: onGpu ? queryGpuName() : null,
    note: openedFlavor === 'cuda' && !onGpu ? explainCpu() : null,
  };
}

/** One line for logs: `TensorFlow 2.18.1 (cpu) on CPU`. */
export function describeTensorflow(info: TensorflowInfo = tensorflowInfo()): string {
  const gpu = info.gpuName ? ` (${info.gpuName})` : '';
  const note = info.note ? `: ${info.note}` : '';
  return `TensorFlow ${info.version} (${info.flavor} build) on ${info.device}${gpu}${note}`;
}
