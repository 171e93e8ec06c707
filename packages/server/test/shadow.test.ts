import { mkdirSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { formBody, postForm } from './forms.ts';
import { type SpawnedService, send, sendForm, spawnService } from './spawned-service.ts';
import { largePicture, picture } from './tiny-service.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  const artifacts = { artifact: { threshold: 0.5 }, stricter: { threshold: 0, version: 'stricter' } };
  for (const [name, content] of Object.entries(artifacts)) {
    mkdirSync(`${folder.dir}/${name}`);
    await writeTinyArtifact(`${folder.dir}/${name}`, content);
  }
});
afterAll(() => folder.remove());

const overrides = ['serve.artifact=artifact', 'serve.workers=1', 'serve.graph_cache=false'];

async function withService(more: string[], work: (service: SpawnedService) => Promise<void>): Promise<void> {
  const service = await spawnService(folder.dir, [...overrides, ...more]);
  try {
    await work(service);
  } finally {
    expect(await service.stop()).toBe(0);
  }
}

const metrics = async ({ url }: SpawnedService) => (await send(url, { path: '/metrics' })).body;
const counts = (body: string, name: string) =>
  Object.fromEntries(
    [...body.matchAll(new RegExp(`^crosscheck_shadow_${name}\\{(.*)\\} (\\d+)$`, 'gm'))].map(([, labels, value]) => [
      (labels as string).replaceAll(/\w+="([^"]*)"/g, '$1'),
      Number(value),
    ]),
  );
const sum = (values: Record<string, number>) => Object.values(values).reduce((total, value) => total + value, 0);
const isReady = async (service: SpawnedService) => service.metric('crosscheck_shadow_ready');
const soon = { timeout: 30_000 };

test('a candidate judges every post that a client was told of, and what it says is counted', async () => {
  await withService(['serve.shadow.artifact=stricter', 'serve.shadow.share=1'], async (service) => {
    await expect.poll(() => isReady(service), soon).toBe(1);
    const verdicts: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { body } = await sendForm(service.url, postForm(`a flood in street ${i}`, picture));
      verdicts.push(JSON.parse(body).prediction);
    }
    const two = ['one', 'two'].flatMap((value) => [
      { name: 'text', value },
      { name: 'image', value: picture, filename: 'a.png' },
    ]);
    const batch = JSON.parse((await sendForm(service.url, formBody(two), '/predict/batch')).body).predictions;
    verdicts.push(...batch.map(({ prediction }: { prediction: string }) => prediction));
    await expect.poll(async () => sum(counts(await metrics(service), 'verdicts_total')), soon).toBe(7);
    const found = counts(await metrics(service), 'verdicts_total');
    for (const label of ['REAL', 'FAKE'])
      expect(found[`${label},FAKE`] ?? 0).toBe(verdicts.filter((verdict) => verdict === label).length);
    const body = await metrics(service);
    expect(body).toContain('crosscheck_shadow_info{name="Crosscheck",version="stricter",precision="fp32"} 1');
    expect(body).toContain('crosscheck_shadow_score_difference_bucket{le="0.001"} 7'); // the same network
    expect(body).toContain('crosscheck_shadow_seconds_count 7');
    expect(service.stdout()).not.toContain('"level":50');
  });
});

test('serve.shadow.share is the share of the posts, serve.shadow.queue_size what waits', async () => {
  const more = ['serve.shadow.artifact=stricter', 'serve.shadow.share=0.5', 'serve.shadow.queue_size=1'];
  await withService(more, async (service) => {
    await expect.poll(() => isReady(service), soon).toBe(1);
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => sendForm(service.url, postForm('a flood', largePicture))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const chosen = async () => {
      const body = await metrics(service);
      return sum(counts(body, 'verdicts_total')) + sum(counts(body, 'skipped_total'));
    };
    await expect.poll(chosen, soon).toBeGreaterThan(12);
    expect(await chosen()).toBeLessThan(48);
    expect(counts(await metrics(service), 'skipped_total').busy).toBeGreaterThan(0);
  });
});

test('a candidate that cannot be loaded is told of, and no client notices', async () => {
  await withService(['serve.shadow.artifact=nowhere', 'serve.shadow.share=1'], async (service) => {
    await expect.poll(() => service.stdout(), soon).toContain('the candidate cannot be loaded');
    for (let i = 0; i < 3; i++) expect((await sendForm(service.url, postForm('a flood', picture))).status).toBe(200);
    await expect.poll(async () => counts(await metrics(service), 'skipped_total')['not ready'], soon).toBe(3);
    expect(await isReady(service)).toBe(0);
  });
});
