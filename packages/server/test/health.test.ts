import { expect, test } from 'vitest';
import { buildApp } from '../src/index.ts';
import { formRequest, postForm } from './forms.ts';
import { defaultSettings, picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const probes = ['/health', '/livez', '/readyz', '/v2/health/live', '/v2/health/ready', '/v2/models/Crosscheck/ready'];

async function statuses(app: Awaited<ReturnType<typeof buildApp>>): Promise<Record<string, number>> {
  const answers = await Promise.all(probes.map((url) => app.inject(url)));
  return Object.fromEntries(answers.map(({ statusCode }, i) => [probes[i], statusCode]));
}

test('a ready service answers every probe with 200, /health as the original did', async () => {
  const app = await service.app();
  expect(new Set(Object.values(await statuses(app)))).toEqual(new Set([200]));
  expect((await app.inject('/health')).json()).toEqual({ status: 'ok', device: 'cpu' });
  expect((await app.inject('/livez')).json()).toEqual({ status: 'alive' });
  expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready' });
  expect((await app.inject('/v2/health/live')).json()).toEqual({ live: true });
  expect((await app.inject('/v2/health/ready')).json()).toEqual({ ready: true, live: true });
});

test('while the model loads the service is alive and not ready', async () => {
  const loading = Promise.withResolvers<typeof service.classifier>();
  const app = await buildApp({ classifier: loading.promise, settings: { ...defaultSettings, log_level: 'silent' } });
  expect(await statuses(app)).toEqual({
    '/health': 503,
    '/livez': 200,
    '/readyz': 503,
    '/v2/health/live': 200,
    '/v2/health/ready': 503,
    '/v2/models/Crosscheck/ready': 503,
  });
  expect((await app.inject('/health')).json().detail).toContain('Model not initialized');
  const refused = await app.inject(formRequest(postForm('words', picture)));
  expect([refused.json().code, refused.headers['retry-after']]).toEqual(['CROSSCHECK_SERVER_STARTING', '1']);
  expect((await app.inject('/metrics')).statusCode).toBe(200);
  loading.resolve(service.classifier);
  await loading.promise;
  expect(new Set(Object.values(await statuses(app)))).toEqual(new Set([200]));
  await app.close();
});

test('while it drains the service finishes what it has, is alive, and refuses the rest', async () => {
  const app = await buildApp({ classifier: service.classifier, settings: { ...defaultSettings, log_level: 'silent' } });
  const accepted = app.inject(formRequest(postForm('words', picture)));
  while (app.service.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  const drained = app.service.drain();
  expect(await statuses(app)).toMatchObject({ '/health': 200, '/livez': 200, '/readyz': 503, '/v2/health/ready': 503 });
  const refused = await app.inject(formRequest(postForm('words', picture)));
  expect(refused.json()).toMatchObject({ statusCode: 503, code: 'CROSSCHECK_SERVER_DRAINING' });
  expect(refused.headers.connection).toBe('close');
  expect((await accepted).statusCode).toBe(200);
  await drained;
  expect(app.service.inFlight).toBe(0);
  await app.close();
});

test('probes are not logged, requests are', async () => {
  const app = await service.app();
  service.log.length = 0;
  for (const url of [...probes, '/metrics', '/openapi.json']) await app.inject(url);
  expect(service.log).toEqual([]);
  await app.inject('/v2');
  expect(service.log).toEqual([
    expect.objectContaining({ method: 'GET', url: '/v2', status: 200, requestId: expect.any(String) }),
  ]);
});
