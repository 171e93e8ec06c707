import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  computeDigest,
  computeFileDigest,
  explainKey,
  formatParam,
  LIMITS,
  sanitizeKey,
  truncateValue,
} from 'mlflow-js-client';
import { describe, expect, test } from 'vitest';
import { prepareBatch, splitBatch } from '../src/batches.ts';
import { parseMeta, readMeta, writeMeta } from '../src/stores/file/meta-yaml.ts';
import { createTestFolder } from './support/temporary-folder.ts';

describe('keys', () => {
  test.each(['loss', 'train/loss_step', 'a-b.c d:e/f', 'x'.repeat(250)])('"%s" is legal and stays as it is', (key) => {
    expect(explainKey(key)).toBeNull();
    expect(sanitizeKey(key)).toBe(key);
  });

  test.each([
    ['précision #1?', 'precision _1_'],
    ['accuracy %', 'accuracy percent'],
    ['a//b/', 'a/b'],
    ['/abs', 'abs'],
    ['../up', '_/up'],
    ['', '_'],
    ['///', '_'],
    ['损失', '__'],
    ['📈 up', '_ up'],
    ['x'.repeat(300), 'x'.repeat(250)],
  ])('"%s" becomes "%s"', (key, legal) => {
    expect(explainKey(key)).not.toBeNull();
    expect(sanitizeKey(key)).toBe(legal);
    expect(explainKey(legal)).toBeNull();
  });

  test('an illegal one stops a batch before anything is sent, and a legal spelling is named', () => {
    const batch = { metrics: [{ key: 'f1 #2', value: 1 }] };
    expect(() => prepareBatch(batch)).toThrow('metric key "f1 #2" may hold only letters and digits of ASCII');
    expect(() => prepareBatch(batch)).toThrow('"f1 _2" would do');
    expect(() => prepareBatch({ params: { 'ä?': 1 } })).toThrow('param key "ä?"');
  });
});

describe('values', () => {
  test('of params become text', () => {
    const values = ['a', 1e-5, 0.001, true, null, undefined, [1, 'b'], { c: null }, new Date(0), 10n];
    expect(values.map(formatParam)).toEqual([
      'a',
      '0.00001',
      '0.001',
      'true',
      'null',
      'null',
      '[1,"b"]',
      '{"c":null}',
      '1970-01-01T00:00:00.000Z',
      '10',
    ]);
  });

  test('that are too long are cut with a mark, at a whole character, and named', () => {
    const cut = truncateValue('x'.repeat(7000), 6000);
    expect(cut).toHaveLength(6000);
    expect(cut).toMatch(/^x+… \(1024 more characters\)$/);
    expect(truncateValue('😀'.repeat(100), 60).isWellFormed()).toBe(true);
    expect(truncateValue('same', 4)).toBe('same');
    const { params, tags, truncated } = prepareBatch({
      params: { long: 'p'.repeat(6001), short: 'p' },
      tags: { note: 't'.repeat(8001) },
    });
    expect(truncated).toEqual(['long', 'note']);
    expect(params[0]?.value.length).toBeLessThanOrEqual(LIMITS.paramValueChars);
    expect(tags[0]?.value.length).toBeLessThanOrEqual(LIMITS.tagValueChars);
  });
});

describe('batches', () => {
  const metrics = (count: number) => Array.from({ length: count }, (_, step) => ({ key: 'loss', value: step, step }));
  const entries = (count: number, value = 'v') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

  test('are cut where the server would refuse them, and nothing is lost', () => {
    const batch = prepareBatch({ metrics: metrics(2500), params: entries(250), tags: entries(150) });
    const chunks = [...splitBatch(batch)];
    for (const chunk of chunks) {
      expect(chunk.metrics.length).toBeLessThanOrEqual(1000);
      expect(chunk.params.length).toBeLessThanOrEqual(100);
      expect(chunk.tags.length).toBeLessThanOrEqual(100);
      expect(chunk.metrics.length + chunk.params.length + chunk.tags.length).toBeLessThanOrEqual(1000);
    }
    expect(chunks.flatMap((chunk) => chunk.metrics)).toEqual(batch.metrics);
    expect(chunks.flatMap((chunk) => chunk.params)).toEqual(batch.params);
    expect(chunks.flatMap((chunk) => chunk.tags)).toEqual(batch.tags);
  });

  test('stay below a megabyte of JSON, counted in bytes', () => {
    const batch = prepareBatch({ params: entries(100, 'é'.repeat(6000)) });
    const chunks = [...splitBatch(batch)];
    expect(chunks).toHaveLength(2);
    for (const chunk of chunks)
      expect(Buffer.byteLength(JSON.stringify({ run_id: 'r', ...chunk }))).toBeLessThan(1_000_000);
  });

  test('that are small are one, and empty ones are none', () => {
    expect([...splitBatch(prepareBatch({ metrics: metrics(3), params: entries(2), tags: entries(1) }))]).toHaveLength(
      1,
    );
    expect([...splitBatch(prepareBatch({}))]).toHaveLength(0);
  });
});

describe('digests', () => {
  test("are 8 hex digits of MD5, as MLflow's own, of content and of files", async () => {
    const path = join(createTestFolder(), 'data.csv');
    writeFileSync(path, 'hello world');
    expect(computeDigest('hello ', Buffer.from('world'))).toBe('5eb63bbb');
    expect(await computeFileDigest(path)).toBe('5eb63bbb');
  });
});

describe('meta.yaml', () => {
  test("reads what Python's yaml.dump writes: quotes, folded lines, maps, null", () => {
    const text = [
      'aliases:',
      "  champion: '1'",
      'artifact_location: file:///srv/mlruns/1',
      "description: 'it''s a long text that Python folds after eighty characters because that is its",
      "  width'",
      'end_time: null',
      'plain: words that are folded',
      '  over two lines',
      'escaped: "tab\\t\\xe9"'.replace('\\xe9', 'é'),
      "experiment_id: '0'",
      'start_time: 1795246850481',
      'tags: []',
      'empty: {}',
      '',
    ].join('\n');
    expect(parseMeta(text, 'meta.yaml')).toEqual({
      aliases: { champion: '1' },
      artifact_location: 'file:///srv/mlruns/1',
      description: "it's a long text that Python folds after eighty characters because that is its width",
      end_time: null,
      plain: 'words that are folded over two lines',
      escaped: 'tab\té',
      experiment_id: '0',
      start_time: 1795246850481,
      tags: [],
      empty: {},
    });
  });

  test('comes back as it was written', async () => {
    const path = join(createTestFolder(), 'meta.yaml');
    const meta = { name: 'a: "b" #c\n\'d\' é', end_time: null, status: 3, tags: { k: 'v: w' }, list: [], flag: true };
    await writeMeta(path, meta);
    expect(await readMeta(path)).toEqual(meta);
  });
});
