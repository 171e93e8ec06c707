import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Cores that this process may use: the CPU affinity mask and the cgroup quota (v2 `cpu.max`, v1 `cpu.cfs_*`), whichever is smaller.
 *
 * @param cgroupRoot where the cgroup file system is mounted
 */
export function availableCores(cgroupRoot = '/sys/fs/cgroup'): number {
  const quota = quotaV2(`${cgroupRoot}/cpu.max`) ?? quotaV1(`${cgroupRoot}/cpu`);
  const cores = availableParallelism();
  return quota === null ? cores : Math.max(1, Math.min(cores, Math.floor(quota)));
}

function quotaV2(file: string): number | null {
  const [quota, period] = readWords(file);
  return quota === undefined || quota === 'max' ? null : Number(quota) / Number(period);
}

function quotaV1(dir: string): number | null {
  const [quota] = readWords(`${dir}/cpu.cfs_quota_us`);
  const [period] = readWords(`${dir}/cpu.cfs_period_us`);
  return quota === undefined || Number(quota) <= 0 ? null : Number(quota) / Number(period);
}

function readWords(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split(/\s+/);
  } catch {
    return [];
  }
}
