import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ObjectStore, openStore, readAll } from '@crosscheck/storage';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { installTimeoutMs } from '../../storage/test/support/python.ts';
import { type S3Server, startS3Server } from '../../storage/test/support/s3-server.ts';
import { Desk } from '../src/feedback/desk.ts';
import { deleteBefore, deleteRequest, readFeedback } from '../src/feedback/read-feedback.ts';
import { keyOf, type VerdictRecord } from '../src/feedback/records.ts';
import { reportFeedback, weekOf } from '../src/feedback/report.ts';
import { findChromium, openTab } from './chromium.ts';
import { formBody, formRequest, formType, postForm } from './forms.ts';
import { type SpawnedService, send, spawnService } from './spawned-service.ts';
import { defaultSettings, picture, tinyService } from './tiny-service.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const service = tinyService();
const silent = { error: () => {} };

const filesBelow = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);

describe('the service', () => {
  const withStore = (name: string, more = {}) =>
    service.app({ feedback: { ...defaultSettings.feedback, store: `${folder.dir}/${name}`, ...more } });
  const judge = async (app: Awaited<ReturnType<typeof service.app>>, id: string, url = '/predict') => {
    const request = formRequest(postForm('a flood', picture), url);
    return app.inject({ ...request, headers: { ...request.headers, 'x-request-id': id } });
  };
  const say = async (app: Awaited<ReturnType<typeof service.app>>, payload: object, headers = {}) =>
    app.inject({ method: 'POST', url: '/feedback', payload, headers });

  test('takes no feedback and keeps nothing unless a store is named', async () => {
    const app = await service.app();
    const answer = await judge(app, 'r-0');
    expect(answer.headers).not.toHaveProperty('x-feedback');
    expect((await say(app, { request_id: 'r-0', label: 'FAKE' })).statusCode).toBe(404);
    expect((await app.inject('/openapi.json')).json().paths).not.toHaveProperty('/feedback');
    expect((await app.inject('/metrics')).body).not.toContain('crosscheck_feedback');
  });

  test('writes verdict, score, model, label and time, and nothing of the post', async () => {
    const app = await withStore('plain');
    const { prediction, probability_fake } = (await judge(app, 'r-1')).json();
    const told = await say(app, { request_id: 'r-1', label: 'FAKE', note: 'the bridge is elsewhere' });
    expect([told.statusCode, told.json()]).toEqual([201, { request_id: 'r-1', label: 'FAKE', known: true }]);
    expect((await say(app, { request_id: 'other-pod', label: 'REAL' })).json().known).toBe(false);
    await app.close();
    const { answered, verdicts } = await readFeedback(openStore(`${folder.dir}/plain`));
    const verdict = { request_id: 'r-1', post: 0, prediction, probability_fake, threshold: 0.5 };
    expect(verdicts).toEqual([
      { ...verdict, model: { name: 'Crosscheck', version: 'tiny' }, time: expect.any(String) },
    ]);
    expect(answered.map(({ feedback }) => [feedback.request_id, feedback.label, feedback.note, feedback.kept])).toEqual(
      [
        ['r-1', 'FAKE', 'the bridge is elsewhere', null],
        ['other-pod', 'REAL', null, null],
      ],
    );
    for (const file of filesBelow(`${folder.dir}/plain`)) expect(readFileSync(file, 'utf8')).not.toContain('a flood');
  });

  test('keeps the post that somebody spoke of, and no other, with serve.feedback.keep_posts', async () => {
    const app = await withStore('posts', { keep_posts: true });
    await judge(app, 'silent');
    await judge(app, 'explained', '/explain');
    const two = formBody(
      ['one', 'two'].flatMap((value) => [
        { name: 'text', value },
        { name: 'image', value: picture, filename: 'a.png' },
      ]),
    );
    await app.inject({
      method: 'POST',
      url: '/predict/batch',
      payload: two,
      headers: { 'content-type': formType, 'x-request-id': 'batch' },
    });
    for (const said of [
      { request_id: 'explained', label: 'REAL' },
      { request_id: 'batch', post: 1, label: 'FAKE' },
    ])
      expect((await say(app, said)).json().known).toBe(true);
    await app.close();
    const store = openStore(`${folder.dir}/posts`);
    const { answered, verdicts } = await readFeedback(store);
    expect(verdicts).toHaveLength(4);
    expect(answered.map(({ feedback }) => feedback.kept?.text)).toEqual(['a flood', 'two']);
    for (const { feedback } of answered)
      expect(Buffer.compare(await readAll(store, feedback.kept?.image as string), picture)).toBe(0);
    expect(await store.list('images')).toHaveLength(2);
  });

  test('refuses what it cannot use, and who has no key', async () => {
    const app = await service.app({
      api_key: 'k',
      feedback: { ...defaultSettings.feedback, store: `${folder.dir}/refused` },
    });
    const key = { 'x-api-key': 'k' };
    const wrong = [
      {},
      { request_id: 'a', label: 'TRUE' },
      { request_id: '../../etc', label: 'REAL' },
      { request_id: 'a', label: 'REAL', text: 'x' },
    ];
    for (const payload of wrong) expect((await say(app, payload, key)).statusCode).toBe(422);
    expect((await say(app, { request_id: 'a', label: 'REAL' })).statusCode).toBe(401);
    expect((await say(app, { request_id: 'a', label: 'REAL', note: 'x'.repeat(20_000) }, key)).statusCode).toBe(413);
    expect((await app.inject('/openapi.json')).json().paths).toHaveProperty('/feedback');
  });

  test('tells a desk when its word cannot be kept, and keeps verdicts for later', async () => {
    writeFileSync(`${folder.dir}/a-file`, '');
    const app = await service.app({ feedback: { ...defaultSettings.feedback, store: `${folder.dir}/a-file/store` } });
    expect((await judge(app, 'r-9')).statusCode).toBe(200);
    const refused = await say(app, { request_id: 'r-9', label: 'REAL' });
    expect(refused.json()).toMatchObject({ statusCode: 503, code: 'CROSSCHECK_FEEDBACK_STORE' });
    rmSync(`${folder.dir}/a-file`);
    expect((await say(app, { request_id: 'r-9', label: 'REAL' })).statusCode).toBe(201);
    await app.close();
    expect((await readFeedback(openStore(`${folder.dir}/a-file/store`))).verdicts).toHaveLength(1);
  });
});

const verdictOf = (id: string, time: string, prediction: 'REAL' | 'FAKE', version = '1.8'): VerdictRecord => ({
  ...verdictFacts,
  request_id: id,
  time,
  prediction,
  model: { name: 'Crosscheck', version },
});
const verdictFacts = { post: 0, probability_fake: 0.5, threshold: 0.5 };

async function fill(store: ObjectStore): Promise<void> {
  const verdicts = [
    verdictOf('a', '2026-11-24T10:00:00.000Z', 'FAKE'), // a Tuesday
    verdictOf('b', '2026-11-29T23:59:00.000Z', 'REAL'), // the Sunday of that week
    verdictOf('c', '2026-11-30T00:00:00.000Z', 'REAL'),
    verdictOf('d', '2026-12-01T00:00:00.000Z', 'FAKE', '1.9'),
    verdictOf('e', '2026-12-01T00:00:00.000Z', 'FAKE', '1.9'),
  ];
  for (const verdict of verdicts) {
    await store.write(keyOf.verdicts(verdict.time), Buffer.from(`${JSON.stringify(verdict)}\n`));
  }
  const said = [
    ['a', 'REAL', '2026-12-01T01:00:00.000Z'],
    ['a', 'FAKE', '2026-12-01T02:00:00.000Z'], // thinks again
    ['b', 'FAKE', '2026-12-01T02:00:00.000Z'],
    ['c', 'UNKNOWN', '2026-12-01T02:00:00.000Z'],
    ['d', 'FAKE', '2026-12-01T02:00:00.000Z'],
    ['nobody', 'FAKE', '2026-12-01T02:00:00.000Z'],
  ] as const;
  for (const [request_id, label, time] of said) {
    const record = { request_id, post: 0, time, label, note: null, verdict: null, kept: null };
    await store.write(keyOf.feedback(time, request_id, 0), Buffer.from(JSON.stringify(record)));
  }
}

test('the report joins by id, counts the last word, and gives intervals by week and model', async () => {
  const store = openStore(`${folder.dir}/report`);
  await fill(store);
  await store.write('feedback/2026-12-01/notes.txt', Buffer.from('not ours'));
  const { rows, models, unknown, unreadable } = reportFeedback(await readFeedback(store));
  const seen = ({ week, model, verdicts, labelled, undecided, correct }: (typeof rows)[number]) => [
    week,
    model,
    verdicts,
    labelled,
    undecided,
    correct,
  ];
  expect(rows.map(seen)).toEqual([
    ['2026-11-23', '1.8', 2, 2, 0, 1],
    ['2026-11-30', '1.8', 1, 0, 1, 0],
    ['2026-11-30', '1.9', 2, 1, 0, 1],
  ]);
  expect(models.map(seen)).toEqual([
    ['all', '1.8', 3, 2, 1, 1],
    ['all', '1.9', 2, 1, 0, 1],
  ]);
  // Wilson's interval for 1 of 2
  expect(rows[0]?.accuracy).toEqual({ value: 0.5, low: expect.closeTo(0.0945, 4), high: expect.closeTo(0.9055, 4) });
  expect([rows[1]?.accuracy, unknown, unreadable]).toEqual([null, 1, ['feedback/2026-12-01/notes.txt']]);
  expect(weekOf('2026-11-29T23:59:59.999Z')).toBe('2026-11-23');
});

describe.each(['a folder', 'S3'])('in %s', (kind) => {
  let server: S3Server | undefined;
  beforeAll(async () => {
    if (kind === 'S3') server = await startS3Server('signed');
  }, installTimeoutMs);
  afterAll(() => server?.stop());
  const open = () =>
    server
      ? openStore('s3://posts/desk', { endpoint: server.endpoint, credentials: server })
      : openStore(`${folder.dir}/delete`);

  test('a request is deleted everywhere, and old days are', async () => {
    const store = open();
    await fill(store);
    const two = [
      verdictOf('x', '2026-12-02T00:00:00.000Z', 'REAL'),
      verdictOf('y', '2026-12-02T00:00:00.000Z', 'REAL'),
    ];
    await store.write(
      keyOf.verdicts('2026-12-02T00:00:00.000Z'),
      Buffer.from(`${two.map((each) => JSON.stringify(each)).join('\n')}\n`),
    );
    await store.write(keyOf.image('2026-12-02T00:00:00.000Z', 'x', 0), Buffer.from('an image'));
    expect(await deleteRequest(store, 'x')).toHaveLength(2);
    expect(await deleteRequest(store, 'a')).toHaveLength(3);
    const left = await readFeedback(store);
    expect(left.verdicts.map(({ request_id }) => request_id).toSorted()).toEqual(['b', 'c', 'd', 'e', 'y']);
    expect(left.answered.map(({ feedback }) => feedback.request_id).toSorted()).toEqual(['b', 'c', 'd', 'nobody']);
    expect(await store.list('images')).toEqual([]);
    expect(await deleteBefore(store, '2026-12-01')).toHaveLength(2);
    expect((await readFeedback(store)).verdicts.map(({ request_id }) => request_id).toSorted()).toEqual([
      'd',
      'e',
      'y',
    ]);
  });

  test('a desk writes there', async () => {
    const store = open();
    const registry = new Registry();
    const desk = new Desk({ store, keepPosts: false, service: (await service.app()).service, log: silent, registry });
    expect(await desk.take({ requestId: 'late', post: 0, label: 'UNKNOWN', note: null })).toBe(false);
    await desk.close();
    expect((await readFeedback(store)).answered.some(({ feedback }) => feedback.request_id === 'late')).toBe(true);
    expect(await registry.metrics()).toContain('crosscheck_feedback_total{label="UNKNOWN",verdict="unknown"} 1');
  });
});

test('pnpm data:feedback reports, writes what training reads, and deletes', async () => {
  const dir = `${folder.dir}/command`;
  const app = await service.app({ feedback: { store: `${dir}/store`, keep_posts: true } });
  const request = formRequest(postForm('a "flood", they say', picture));
  await app.inject({ ...request, headers: { ...request.headers, 'x-request-id': 'r-7' } });
  await app.inject({ method: 'POST', url: '/feedback', payload: { request_id: 'r-7', label: 'FAKE' } });
  await app.close();
  const run = (...args: string[]) => runEntry('packages/server/src/bin/feedback.ts', args);
  const reported = await run(`store=${dir}/store`, `dir=${dir}/out`);
  expect([reported.code, reported.stderr]).toEqual([0, '']);
  expect(reported.stdout).toMatch(/tiny +1 +1 +0 [01]\.000 \[/);
  const [head, row] = readFileSync(`${dir}/out/posts.csv`, 'utf8').split('\n');
  expect(head).toBe('text_content,image_path,label,request_id,time');
  const [, name] = /^"a ""flood"", they say","(r-7\.0\.[\da-f-]+)",1,"r-7"/.exec(row as string) ?? [];
  expect(Buffer.compare(readFileSync(`${dir}/out/images/${name}`), picture)).toBe(0);
  expect(JSON.parse(readFileSync(`${dir}/out/report.json`, 'utf8')).models[0]).toMatchObject({
    model: 'tiny',
    labelled: 1,
  });
  expect((await run(`store=${dir}/store`, 'delete_id=r-7')).stdout).toContain('3 deleted');
  expect(filesBelow(`${dir}/store`)).toEqual([]);
  const nothing = await run(`store=${dir}/store`);
  expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_FEEDBACK_NO_STORE')]);
});

const chromium = findChromium();

test.skipIf(chromium === null)(
  'the page has buttons where a store is named (skipped where there is no Chromium)',
  async () => {
    const dir = `${folder.dir}/page`;
    for (const name of ['', '/artifact', '/profile']) mkdirSync(dir + name);
    await writeTinyArtifact(`${dir}/artifact`);
    const running: SpawnedService = await spawnService(dir, [
      'serve.artifact=artifact',
      'serve.workers=1',
      'serve.feedback.store=store',
    ]);
    const tab = await openTab(chromium as string, `${dir}/profile`, running.url.href);
    const soon = (expression: string, value: unknown) =>
      expect.poll(() => tab.evaluate(expression), { timeout: 30_000 }).toBe(value);
    try {
      await soon('document.readyState', 'complete');
      await tab.evaluate("document.querySelectorAll('[data-picture]')[0].click()");
      await soon("document.getElementById('desk').checkVisibility()", true);
      await tab.evaluate("document.querySelector('[data-says=FAKE]').click()");
      await soon("document.getElementById('desk-status').innerText", 'Kept. Another click replaces it.');
      expect(tab.complaints).toEqual([]);
      expect((await send(running.url, { path: '/metrics' })).body).toMatch(
        /crosscheck_feedback_total\{label="FAKE",verdict="(REAL|FAKE)"\} 1/,
      );
    } finally {
      await tab.close();
      await running.stop();
    }
    const { answered } = await readFeedback(openStore(`${dir}/store`));
    expect(answered.map(({ feedback, verdict }) => [feedback.label, verdict?.model.version])).toEqual([
      ['FAKE', 'tiny'],
    ]);
  },
);
