import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { explanationSchema } from '../src/routes/explain.ts';
import { formBody, formRequest, formType, postForm } from './forms.ts';
import { defaultSettings, picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const text = 'a wildfire burns near the city';

test('/explain answers with the verdict of /predict and its reasons, as documented', async () => {
  const app = await service.app();
  const explained = await app.inject(formRequest(postForm(text, picture, 'fire.png'), '/explain'));
  const predicted = await app.inject(formRequest(postForm(text, picture, 'fire.png')));
  expect(explained.statusCode).toBe(200);
  const answer = explained.json();
  expect(explanationSchema.strict().parse(answer)).toEqual(answer);
  expect(answer).toMatchObject({ filename: 'fire.png', prediction: predicted.json().prediction });
  expect(answer.probability_fake).toBeCloseTo(predicted.json().probability_fake, 5);
  expect(answer.words.map(({ word }: { word: string }) => word)).toEqual(text.split(' '));
});

test('/explain refuses what /predict refuses', async () => {
  const app = await service.app();
  const bad = await app.inject(formRequest(postForm(text, Buffer.from('no picture')), '/explain'));
  expect([bad.statusCode, bad.json().code]).toEqual([415, 'CROSSCHECK_IMAGE_UNSUPPORTED']);
  const missing = await app.inject(formRequest(formBody([{ name: 'text', value: text }]), '/explain'));
  expect([missing.statusCode, missing.json().code]).toEqual([422, 'CROSSCHECK_SERVER_FIELDS_INVALID']);
  const late = await service.app({ deadline_ms: 1 });
  const timedOut = await late.inject(formRequest(postForm(text, picture), '/explain'));
  expect([timedOut.statusCode, timedOut.json().code]).toEqual([504, 'CROSSCHECK_INFERENCE_TIMEOUT']);
  const locked = await service.app({ api_key: 'secret' });
  expect((await locked.inject(formRequest(postForm(text, picture), '/explain'))).statusCode).toBe(401);
});

test('the page comes with its script and style, and may load nothing else', async () => {
  const app = await service.app();
  const page = await app.inject('/');
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(policy).not.toContain('http');
  const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url as string);
  expect(links).toEqual(
    expect.arrayContaining(['page/page.css', 'page/icon.svg', 'page/page.js', 'page/examples/wildfire.jpg', 'docs']),
  );
  for (const url of links) {
    expect(url).toMatch(/^(?:page|docs|\.\/)/); // relative: a gateway may serve the page under a path
    expect((await app.inject(new URL(url, 'http://x/').pathname)).statusCode).toBe(200);
  }
  expect(page.body).not.toMatch(/<script>|<style|\sstyle=|\son\w+=/);
});

const explainRequest = (words: string) => formRequest(postForm(words, picture), '/explain');
const defaults = defaultSettings.explain;

test('explanations are off where serve.explain.enabled=false, and verdicts are not', async () => {
  const app = await service.app({ explain: { ...defaults, enabled: false } });
  const refused = await app.inject(explainRequest(text));
  expect(refused.json()).toMatchObject({ statusCode: 404, code: 'CROSSCHECK_SERVER_EXPLAIN_OFF' });
  expect((await app.inject('/openapi.json')).json().paths).not.toHaveProperty('/explain');
  expect((await app.inject(formRequest(postForm(text, picture)))).statusCode).toBe(200);
});

test('the key of explanations opens nothing else, and takes the place of the other one', async () => {
  const app = await service.app({ api_key: 'verdicts', explain: { ...defaults, api_key: 'reasons' } });
  const ask = async (url: string, key: string) => {
    const request = formRequest(postForm(text, picture), url);
    return (await app.inject({ ...request, headers: { ...request.headers, 'x-api-key': key } })).statusCode;
  };
  expect([await ask('/explain', 'reasons'), await ask('/predict', 'reasons')]).toEqual([200, 401]);
  expect([await ask('/explain', 'verdicts'), await ask('/predict', 'verdicts')]).toEqual([401, 200]);
});

test('the same post is explained from memory, for as long as the settings say', async () => {
  const app = await service.app({ max_posts: 9 });
  const passes = () => service.classifier.stats().batchSize.sum;
  const first = await app.inject(explainRequest('a flood, once more'));
  const before = passes();
  const again = await app.inject(formRequest(postForm('a flood, once more', picture, 'other.png'), '/explain'));
  expect(again.json()).toEqual({ ...first.json(), filename: 'other.png' });
  expect(passes()).toBe(before);
  expect((await app.inject('/metrics')).body).toContain('crosscheck_explanations_cached_total 1\n');
  expect((await app.inject(explainRequest('another flood'))).json().words).toHaveLength(2);
  const forgetful = await service.app({ explain: { ...defaults, cache_seconds: 0 } });
  for (let i = 0; i < 2; i++) await forgetful.inject(explainRequest('a flood, once more'));
  expect(passes()).toBeGreaterThan(before + 2 * first.json().passes);
});

test('a full line is told before the post is sent', async () => {
  const app = await service.app({ max_posts: 8 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = new URL(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
  const limit = service.classifier.stats().explanationLimit;
  const waiting = Array.from({ length: limit }, (_, i) => app.inject(explainRequest(`a flood covers street ${i}`)));
  await expect.poll(() => service.classifier.stats().explanations, { interval: 1 }).toBe(limit);
  const refused = new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': formType, 'content-length': '1000000' };
    const request = http.request(url, { path: '/explain', method: 'POST', headers, agent: false }, (response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    request.on('error', reject);
    request.flushHeaders(); // and nothing else
  });
  expect(await refused).toBe(429);
  await Promise.all(waiting);
});
