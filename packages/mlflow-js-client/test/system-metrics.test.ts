import { setTimeout as sleep } from 'node:timers/promises';
import { createSystemSampler, startSystemMetrics } from 'mlflow-js-client';
import { expect, test, vi } from 'vitest';
import { parseGpus } from '../src/logging/system-metrics.ts';

test("a sample has MLflow's names, and values that can be", async () => {
  const sample = createSystemSampler();
  const end = performance.now() + 50;
  while (performance.now() < end) Math.sqrt(2);
  const metrics = await sample();
  expect(Object.keys(metrics)).toEqual(
    expect.arrayContaining([
      'cpu_utilization_percentage',
      'system_memory_usage_megabytes',
      'system_memory_usage_percentage',
      'disk_usage_percentage',
      'disk_usage_megabytes',
      'disk_available_megabytes',
    ]),
  );
  const shares = Object.entries(metrics).filter(([name]) => name.endsWith('percentage'));
  for (const [name, value] of Object.entries(metrics)) expect(value, name).toBeGreaterThanOrEqual(0);
  for (const [name, value] of shares) expect(value, name).toBeLessThanOrEqual(100);
});

test('samples are logged below system/ with a step each, until stopped', async () => {
  const logged: { keys: string[]; step: number | undefined }[] = [];
  const logger = {
    logMetrics: (values: Record<string, number>, step?: number) =>
      void logged.push({ keys: Object.keys(values), step }),
  };
  const stop = startSystemMetrics(logger, { intervalMs: 20, nodeId: 'worker-1', gpu: false });
  await vi.waitFor(() => expect(logged.length).toBeGreaterThanOrEqual(2), { timeout: 30_000 });
  stop();
  const count = logged.length;
  expect(logged.map(({ step }) => step)).toEqual(logged.map((_, index) => index));
  expect(logged[0]?.keys.every((key) => key.startsWith('system/worker-1/'))).toBe(true);
  await sleep(60);
  expect(logged).toHaveLength(count);
});

test("nvidia-smi's lines become metrics per GPU, without what a GPU does not tell", () => {
  const csv = '37, 1024, 81559, 120.50, 700.00\n0, 0, 81559, [N/A], [N/A]\n';
  expect(parseGpus(csv)).toEqual({
    gpu_0_utilization_percentage: 37,
    gpu_0_memory_usage_megabytes: 1073.741824,
    gpu_0_memory_usage_percentage: expect.closeTo(1.2555, 3) as number,
    gpu_0_power_usage_watts: 120.5,
    gpu_0_power_usage_percentage: expect.closeTo(17.214, 3) as number,
    gpu_1_utilization_percentage: 0,
    gpu_1_memory_usage_megabytes: 0,
    gpu_1_memory_usage_percentage: 0,
  });
});
