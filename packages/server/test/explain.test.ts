import { expect, test } from 'vitest';
import { explanationSchema } from '../src/routes/explain.ts';
import { formBody, formRequest, postForm } from './forms.ts';
import { picture, tinyService } from './tiny-service.ts';

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
    expect.arrayContaining([
      '/page/page.css',
      '/page/icon.svg',
      '/page/page.js',
      '/page/examples/wildfire.jpg',
      '/docs',
    ]),
  );
  for (const url of links) {
    expect(url.startsWith('/')).toBe(true);
    expect((await app.inject(url)).statusCode).toBe(200);
  }
  expect(page.body).not.toMatch(/<script>|<style|\sstyle=|\son\w+=/);
});
