import { expect, test } from 'vitest';
import { formRequest, postForm } from './forms.ts';
import { picture, tinyService } from './tiny-service.ts';

const service = tinyService();

/** Samples of Prometheus' text format by name and labels; throws on a line that is not of the format. */
function readSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) \w+ .+$/.test(line)) continue;
    const [, series, value] = /^(\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? [];
    if (series === undefined) throw new Error(`not a metric: ${line}`);
    expect(samples.has(series)).toBe(false);
    samples.set(series, Number(value));
  }
  return samples;
}

test('/metrics counts requests, posts, batches, waiting and inference in Prometheus’ format', async () => {
  const app = await service.app();
  for (let i = 0; i < 3; i++) await app.inject(formRequest(postForm('words', picture)));
  await app.inject(formRequest(Buffer.from('')));
  await app.inject('/nowhere/at/all');
  const response = await app.inject('/metrics');
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const samples = readSamples(response.body);
  const value = (name: string) => samples.get(name);
  expect(value('crosscheck_request_seconds_count{method="POST",route="/predict",status="200"}')).toBe(3);
  expect(value('crosscheck_request_seconds_count{method="GET",route="unknown",status="404"}')).toBe(1);
  expect(value('crosscheck_errors_total{code="CROSSCHECK_SERVER_FORM_BROKEN"}')).toBe(1);
  expect(value('crosscheck_posts_total')).toBe(3);
  expect(value('crosscheck_batch_size_sum')).toBe(3);
  expect(value('crosscheck_batch_size_bucket{le="+Inf"}')).toBe(value('crosscheck_inference_seconds_count'));
  expect(value('crosscheck_decode_seconds_count')).toBe(3);
  expect(value('crosscheck_queue_depth')).toBe(0);
  expect(value('crosscheck_queue_limit')).toBe(128);
  expect(value('crosscheck_workers')).toBe(1);
  expect(
    value(
      'crosscheck_model_info{name="Crosscheck",version="tiny",precision="fp32",threshold="0.5",temperature="2",abstain_band="",run_id=""}',
    ),
  ).toBe(1);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect([...samples.keys()].filter((name) => name.includes('/metrics') || name.includes('/livez'))).toEqual([]);
});
