import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { RunLogger } from './run-logger.ts';

export interface SystemMetricsOptions {
  /** Default `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` seconds, or 10,000. */
  intervalMs?: number | undefined;
  /** Puts the metrics below `system/<node>/`; default `MLFLOW_SYSTEM_METRICS_NODE_ID`. */
  nodeId?: string | undefined;
  /** Default: ask nvidia-smi when it is there. */
  gpu?: boolean | undefined;
}

/** Takes one sample; keys as MLflow names them, without `system/`; megabytes are 1e6 bytes. */
export type SystemSampler = () => Promise<Record<string, number>>;

/**
 * Logs what the machine does (CPU, memory, disk, network, GPUs) as `system/…` every few seconds, until the function that it returns is
 * called. What cannot be measured here is left out.
 */
export function startSystemMetrics(
  logger: Pick<RunLogger, 'logMetrics'>,
  options: SystemMetricsOptions = {},
): () => void {
  const nodeId = options.nodeId ?? process.env['MLFLOW_SYSTEM_METRICS_NODE_ID'];
  const prefix = nodeId ? `system/${nodeId}/` : 'system/';
  const sample = createSystemSampler(options);
  let [step, isStopped] = [0, false];
  const log = async () => {
    const metrics = Object.entries(await sample()).map(([name, value]) => [prefix + name, value] as const);
    if (isStopped) return; // while the sample was taken
    logger.logMetrics(Object.fromEntries(metrics), step++);
  };
  const timer = setInterval(() => void log(), options.intervalMs ?? readInterval()).unref();
  return () => {
    isStopped = true;
    clearInterval(timer);
  };
}

function readInterval(): number {
  const seconds = Number(process.env['MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL']);
  return seconds > 0 ? seconds * 1000 : 10_000;
}

/** CPU share and network traffic are counted from the sample before, or from this call. */
export function createSystemSampler({ gpu = true }: SystemMetricsOptions = {}): SystemSampler {
  const parts = [createCpuSampler(), sampleMemory, sampleDisk, createNetworkSampler(), ...(gpu ? [sampleGpus] : [])];
  return async () => {
    const samples = await Promise.all(parts.map((part) => part().catch(() => ({}))));
    return Object.fromEntries(
      samples.flatMap((sample) => Object.entries(sample)).map(([key, value]) => [key, round(value)]),
    );
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function createCpuSampler(): SystemSampler {
  let before = readCpuTimes();
  return async () => {
    const now = readCpuTimes();
    const total = now.total - before.total;
    const busy = total - (now.idle - before.idle);
    before = now;
    return total > 0 ? { cpu_utilization_percentage: (100 * busy) / total } : {};
  };
}

function readCpuTimes(): { total: number; idle: number } {
  const times = cpus().map((cpu) => cpu.times);
  const total = times.reduce((sum, time) => sum + time.user + time.nice + time.sys + time.idle + time.irq, 0);
  return { total, idle: times.reduce((sum, time) => sum + time.idle, 0) };
}

async function sampleMemory(): Promise<Record<string, number>> {
  const used = totalmem() - (await readAvailableBytes());
  return { system_memory_usage_megabytes: used / 1e6, system_memory_usage_percentage: (100 * used) / totalmem() };
}

/** The page cache can be had back, so Linux counts it as available and `freemem` does not. */
async function readAvailableBytes(): Promise<number> {
  if (!existsSync('/proc/meminfo')) return freemem();
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile('/proc/meminfo', 'utf8'));
  return match === null ? freemem() : Number(match[1]) * 1024;
}

async function sampleDisk(): Promise<Record<string, number>> {
  const { bsize, blocks, bfree, bavail } = await statfs('/');
  const used = (blocks - bfree) * bsize;
  const available = bavail * bsize;
  return {
    disk_usage_percentage: (100 * used) / (used + available),
    disk_usage_megabytes: used / 1e6,
    disk_available_megabytes: available / 1e6,
  };
}

function createNetworkSampler(): SystemSampler {
  const start = readNetworkBytes().catch(() => null);
  return async () => {
    const [before, now] = [await start, await readNetworkBytes()];
    if (before === null) return {};
    return {
      network_receive_megabytes: (now.received - before.received) / 1e6,
      network_transmit_megabytes: (now.sent - before.sent) / 1e6,
    };
  };
}

/** Bytes over all interfaces since boot; Linux only. */
async function readNetworkBytes(): Promise<{ received: number; sent: number }> {
  const lines = (await readFile('/proc/net/dev', 'utf8')).split('\n').slice(2);
  const counts = lines.map((line) =>
    line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .map(Number),
  );
  const sum = (column: number) => counts.reduce((total, row) => total + (row[column] ?? 0), 0);
  return { received: sum(0), sent: sum(8) };
}

const GPU_FIELDS = 'utilization.gpu,memory.used,memory.total,power.draw,enforced.power.limit';
let isGpuAbsent = false;

async function sampleGpus(): Promise<Record<string, number>> {
  if (isGpuAbsent) return {};
  try {
    const query = ['--query-gpu=' + GPU_FIELDS, '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 5000 });
    return parseGpus(stdout);
  } catch (error) {
    isGpuAbsent = (error as { code?: unknown }).code === 'ENOENT';
    return {};
  }
}

/** nvidia-smi's CSV, one line per GPU; memory in MiB; `[N/A]` where a GPU does not say. */
export function parseGpus(csv: string): Record<string, number> {
  const metrics: [string, number][] = csv
    .trim()
    .split('\n')
    .flatMap((line, index) => {
      const [utilization = NaN, usedMib = NaN, totalMib = NaN, watts = NaN, limitWatts = NaN] = line
        .split(',')
        .map(parseFloat);
      return Object.entries({
        utilization_percentage: utilization,
        memory_usage_megabytes: (usedMib * 1024 * 1024) / 1e6,
        memory_usage_percentage: (100 * usedMib) / totalMib,
        power_usage_watts: watts,
        power_usage_percentage: (100 * watts) / limitWatts,
      }).map(([name, value]): [string, number] => [`gpu_${index}_${name}`, value]);
    });
  return Object.fromEntries(metrics.filter(([, value]) => Number.isFinite(value)));
}
