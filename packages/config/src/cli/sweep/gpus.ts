import { readdirSync } from 'node:fs';

/** The GPUs that jobs may use: those that `CUDA_VISIBLE_DEVICES` names, else all that the NVIDIA driver lists. */
export function visibleGpus(env: NodeJS.ProcessEnv = process.env, driverDir = '/proc/driver/nvidia/gpus'): string[] {
  const named = env.CUDA_VISIBLE_DEVICES;
  if (named !== undefined) return named.split(',').filter((id) => id !== '' && id !== '-1');
  try {
    return readdirSync(driverDir).map((_, index) => String(index));
  } catch {
    return [];
  }
}

/** The GPU of a job's slot, when there are several to share out. */
export function gpuEnvironment(slot: number, slots: number, gpus: string[]): Record<string, string> {
  const gpu = gpus[slot % Math.max(1, gpus.length)];
  return slots > 1 && gpus.length > 1 && gpu !== undefined ? { CUDA_VISIBLE_DEVICES: gpu } : {};
}
