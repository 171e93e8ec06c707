import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCrosscheckError } from '@crosscheck/contract';
import { readManifest } from '@crosscheck/data';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fate } from '../../src/download/fates.ts';
import { readRetryAfter } from '../../src/download/fetch-picture.ts';
import { createHost } from '../../src/download/host.ts';
import { type LedgerEntry, readLedger } from '../../src/download/ledger.ts';
import { computeSurvival, survivalWarning } from '../../src/download/survival.ts';
import { convertFakeddit, type FakedditOptions } from '../../src/fakeddit/convert-fakeddit.ts';
import { drawPicture, openPictureHost, type PictureHost } from './picture-host.ts';

const { dir, remove } = temporaryFolder();
const entry = 'packages/curation/src/bin/fakeddit.ts';
let host: PictureHost;
beforeAll(async () => {
  host = await openPictureHost();
});
afterAll(async () => {
  await host.close();
  remove();
});

const header = [
  'author',
  'clean_title',
  'created_utc',
  'domain',
  'hasImage',
  'id',
  'image_url',
  'linked_submission_id',
  'num_comments',
  'score',
  'subreddit',
  'title',
  'upvote_ratio',
  '2_way_label',
  '3_way_label',
  '6_way_label',
];

/** A row of Fakeddit's TSV; `true` posts have 2_way_label 1. */
function row(id: string, url: string, isTrue: boolean, changes: Record<string, string> = {}): string {
  const cells: Record<string, string> = {
    author: 'someone',
    clean_title: `words of ${id}`,
    created_utc: '1546300800.0',
    domain: 'i.imgur.com',
    hasImage: 'True',
    id,
    image_url: url,
    linked_submission_id: '',
    num_comments: '3.0',
    score: '12',
    subreddit: isTrue ? 'photoshopbattles' : 'theonion',
    title: `PsBattle: words of ${id}`,
    upvote_ratio: '0.9',
    '2_way_label': isTrue ? '1' : '0',
    '3_way_label': isTrue ? '0' : '2',
    '6_way_label': isTrue ? '0' : '1',
    ...changes,
  };
  return header.map((name) => cells[name]).join('\t');
}

let folders = 0;
function writeTsv(...rows: string[]): { file: string; out: string } {
  const out = path.join(dir, `run-${folders++}`);
  mkdirSync(out);
  const file = path.join(out, 'posts.tsv');
  writeFileSync(file, `${[header.join('\t'), ...rows].join('\n')}\n`);
  return { file, out };
}

function optionsFor(
  { file, out }: { file: string; out: string },
  changes: Partial<FakedditOptions> = {},
  network: Partial<FakedditOptions['network']> = {},
): FakedditOptions {
  return {
    files: { train: file },
    dir: out,
    text: 'clean_title',
    sample: -1,
    seed: 1,
    imagesDir: null,
    download: true,
    retryAll: false,
    sharedRows: 4,
    limits: { minSide: 16, maxPixels: 1e6, placeholders: new Set() },
    network: {
      concurrency: 24,
      perHost: 40,
      intervalMs: 0,
      timeoutMs: 5000,
      retries: 2,
      backoffMs: 10,
      maxWaitMs: 5000,
      maxBytes: 200_000,
      userAgent: 'test',
      ...network,
    },
    ...changes,
  };
}

const fatesOf = async (out: string) =>
  Object.fromEntries(
    (await readLedger(path.join(out, 'ledger.jsonl'))).flatMap(({ id, fate }) =>
      fate === 'duplicate_id' ? [] : [[id, fate]],
    ),
  );

describe('against a host on which everything goes wrong', () => {
  const expected: Record<string, Fate> = {
    ok: 'kept',
    png: 'kept',
    flaky: 'kept',
    busy: 'kept',
    moved: 'kept',
    late: 'kept',
    '404': 'not_found',
    '410': 'not_found',
    '403': 'forbidden',
    '500': 'server_error',
    html: 'not_an_image',
    cut: 'damaged',
    broken: 'unreachable',
    placeholder: 'placeholder',
    removed: 'placeholder',
    circle: 'refused',
    never: 'timeout',
    slow: 'timeout',
    huge: 'too_large',
    endless: 'too_large',
    tiny: 'too_small',
    empty: 'damaged',
    same: 'shared_picture',
  };
  let run: { file: string; out: string };
  beforeAll(async () => {
    const rows = Object.keys(expected).flatMap((kind, i) =>
      [0, 1, 2, 3].map((n) => row(`${kind}-${n}`, `${host.origin}/${kind}/${n}`, (i + n) % 2 === 0)),
    );
    run = writeTsv(
      ...rows,
      row('blank', '', true),
      row('ftp', 'ftp://x/y.jpg', true),
      row('wordless', `${host.origin}/ok/w`, true, { clean_title: '' }),
      row('unlabelled', `${host.origin}/ok/u`, true, { '2_way_label': '' }),
      row('ok-0', `${host.origin}/ok/0`, false),
      row('torn', `${host.origin}/ok/t`, true, { '6_way_label': '4' }),
      row('../../escape', `${host.origin}/ok/escape`, true),
      row('nowhere', 'http://localhost:1/x.jpg', true),
    );
    await convertFakeddit(optionsFor(run));
  });

  test.each(Object.entries(expected))('all four rows of /%s are %s', async (kind, fate) => {
    const fates = await fatesOf(run.out);
    expect([0, 1, 2, 3].map((n) => fates[`${kind}-${n}`])).toEqual(Array(4).fill(fate));
  });

  test('rows that cannot be used say why, each by its own line', async () => {
    const ledger = await readLedger(path.join(run.out, 'ledger.jsonl'));
    const fate = (id: string) => ledger.findLast((entry) => entry.id === id)?.fate;
    const ids = ['blank', 'ftp', 'wordless', 'unlabelled', 'torn', 'nowhere'];
    const wanted = ['no_url', 'no_url', 'no_text', 'no_label', 'label_conflict', 'unreachable'];
    expect(ids.map(fate)).toEqual(wanted);
    expect(fate('ok-0')).toBe('duplicate_id');
    expect(ledger).toHaveLength(Object.keys(expected).length * 4 + 8);
    expect(ledger.map(({ line }) => line)).toEqual(ledger.map((_, i) => i + 2));
  });

  test('the manifest can be read: labels are flipped, the finer labels and the picture hash are kept', async () => {
    const { samples, columns } = await readManifest({ file: path.join(run.out, 'train.csv') });
    expect(columns.slice(0, 3)).toEqual(['image_path', 'text_content', 'label']);
    expect(samples).toHaveLength(6 * 4 + 1);
    for (const { row: cells, label, text } of samples) {
      expect(label).toBe(cells['2_way_label'] === '1' ? 0 : 1);
      expect(label === 0).toBe(cells['6_way_label'] === '0');
      expect(text).toBe(`words of ${cells.image_id}`);
      expect(cells.image_sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  test('a file is named by what it is, and no id leads out of the folder', async () => {
    const ledger = await readLedger(path.join(run.out, 'ledger.jsonl'));
    const image = (id: string) => ledger.find((entry) => entry.id === id)?.image;
    expect(image('png-0')).toBe('images/train/png-0.png');
    expect(image('../../escape')).toBe('images/train/%2E%2E%2F%2E%2E%2Fescape.jpg');
    expect(existsSync(path.join(run.out, image('../../escape') as string))).toBe(true);
  });

  test('passing failures are retried as often as told, final ones not at all', () => {
    const count = (url: string) => host.requests.get(url)?.count;
    expect(['/png/1', '/404/1', '/html/1', '/cut/1'].map(count)).toEqual([1, 1, 1, 1]);
    expect(['/500/1', '/never/1', '/flaky/1', '/broken/1'].map(count)).toEqual([3, 3, 3, 3]);
  });

  test('nobody is asked again before the time that Retry-After gives', () => {
    const [first = 0, second = 0] = host.requests.get('/busy/0')?.times ?? [];
    expect(second - first).toBeGreaterThanOrEqual(990);
  });

  test('a second run asks only for what may come back, and writes the same manifest', async () => {
    const before = new Map([...host.requests].map(([url, { count }]) => [url, count]));
    const manifest = readFileSync(path.join(run.out, 'train.csv'), 'utf8');
    await convertFakeddit(optionsFor(run, {}, { retries: 0 }));
    const asked = [...host.requests]
      .filter(([url, { count }]) => count > (before.get(url) ?? 0))
      .map(([url]) => url.split('/')[1]);
    expect([...new Set(asked)].sort()).toEqual(['500', 'broken', 'never', 'slow']);
    expect(readFileSync(path.join(run.out, 'train.csv'), 'utf8')).toBe(manifest);
  });
});

describe('resume', () => {
  test('a run that was killed leaves half a line and half a picture; the next one repairs both', async () => {
    const run = writeTsv(
      ...Array.from({ length: 8 }, (_, n) => row(`r${n}`, `${host.origin}/ok/resume-${n}`, n % 2 === 0)),
    );
    await convertFakeddit(optionsFor(run));
    const ledger = path.join(run.out, 'ledger.jsonl');
    const lines = readFileSync(ledger, 'utf8').trimEnd().split('\n');
    writeFileSync(ledger, `${lines.slice(0, 5).join('\n')}\n${(lines[5] as string).slice(0, 40)}`);
    writeFileSync(path.join(run.out, 'images/train/r1.jpg'), 'half');
    rmSync(path.join(run.out, 'images/train/r2.jpg'));
    await convertFakeddit(optionsFor(run));
    const counts = Array.from({ length: 8 }, (_, n) => host.requests.get(`/ok/resume-${n}`)?.count);
    expect(counts).toEqual([1, 2, 2, 1, 1, 2, 2, 2]);
    expect(Object.values(await fatesOf(run.out))).toEqual(Array(8).fill('kept'));
    expect((await readManifest({ file: path.join(run.out, 'train.csv') })).samples).toHaveLength(8);
  });

  test('killed by a signal in the middle, the command goes on where it was', async () => {
    const run = writeTsv(
      ...Array.from({ length: 12 }, (_, n) => row(`k${n}`, `${host.origin}/late/kill-${n}`, n % 2 === 0)),
    );
    const args = [
      `train=${run.file}`,
      `val=${run.file}`,
      `test=${run.file}`,
      `dir=${run.out}`,
      'per_host=1',
      'interval_ms=0',
      'min_side=16',
    ];
    const ledger = path.join(run.out, 'ledger.jsonl');
    const child = spawn(process.execPath, ['--conditions=@crosscheck/source', `${repositoryRoot}/${entry}`, ...args]);
    while ((await readLedger(ledger)).length < 3) await sleep(20);
    child.kill('SIGKILL');
    await once(child, 'close');
    const done = (await readLedger(ledger)).length;
    expect(done).toBeLessThan(36);
    const second = await runEntry(entry, [...args, 'per_host=12']);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/train\.csv \(12\).*val\.csv \(12\).*test\.csv \(12\)/);
    const total = [...host.requests]
      .filter(([url]) => url.startsWith('/late/kill-'))
      .reduce((sum, [, { count }]) => sum + count, 0);
    expect(total).toBeLessThanOrEqual(36 + 1);
  });
});

describe('politeness', () => {
  test('no more requests at once to a host than allowed', async () => {
    const own = await openPictureHost();
    const run = writeTsv(...Array.from({ length: 9 }, (_, n) => row(`p${n}`, `${own.origin}/late/${n}`, true)));
    await convertFakeddit(optionsFor(run, {}, { perHost: 3 }));
    expect(own.busiest()).toBe(3);
    await own.close();
  });

  test('a host that asks for hours is left alone, for all of its rows', async () => {
    const own = await openPictureHost();
    const run = writeTsv(...Array.from({ length: 6 }, (_, n) => row(`h${n}`, `${own.origin}/busy/${n}`, true)));
    await expect(
      convertFakeddit(optionsFor(run, { maxFailedShare: 1 }, { perHost: 1, maxWaitMs: 100 })),
    ).rejects.toThrow(
      /got 0 of 6; most often: rate_limited, 6 rows.*6 of them failed in a way that may pass: run it again/,
    );
    expect(Object.values(await fatesOf(run.out))).toEqual(Array(6).fill('rate_limited'));
    expect(own.requests.size).toBe(1);
    await own.close();
  });

  test('starts are spaced out', async () => {
    const queue = createHost({ intervalMs: 30, maxWaitMs: 1000 });
    const started = Date.now();
    await Promise.all([queue.ready(), queue.ready(), queue.ready(), queue.ready()]);
    expect(Date.now() - started).toBeGreaterThanOrEqual(88);
  });

  test('Retry-After may be seconds or a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(readRetryAfter('7', now)).toBe(7000);
    expect(readRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(readRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(readRetryAfter('soon', now)).toBeNull();
  });
});

describe('labels and texts', () => {
  test('a file whose 2-way labels were flipped already is refused', async () => {
    const run = writeTsv(
      ...Array.from({ length: 6 }, (_, n) => row(`f${n}`, '', n % 2 === 0, { '2_way_label': n % 2 === 0 ? '0' : '1' })),
    );
    const error: unknown = await convertFakeddit(optionsFor(run)).catch((thrown: unknown) => thrown);
    expect(isCrosscheckError(error, 'CROSSCHECK_DATA_LABEL_MEANING') && error.message).toContain('6 of 6 rows');
  });

  test('title is there for those who ask, with a warning that it leaks', async () => {
    const run = writeTsv(row('a', `${host.origin}/ok/title`, true), row('b', `${host.origin}/ok/title2`, false));
    const args = [
      `train=${run.file}`,
      `val=${run.file}`,
      `test=${run.file}`,
      `dir=${run.out}`,
      'text=title',
      'min_side=16',
    ];
    const { stderr, stdout, code } = await runEntry(entry, args);
    expect(code).toBe(0);
    expect(stderr).toContain('a model reads the label');
    expect(stdout).toContain('by class');
    expect(readFileSync(path.join(run.out, 'train.csv'), 'utf8')).toContain('PsBattle: words of a');
  });

  test('pictures that are here already are used as they are', async () => {
    const run = writeTsv(row('x1', 'http://localhost:1/never', true), row('x2', '', false));
    const images = path.join(run.out, 'archive');
    mkdirSync(images);
    for (const id of ['x1', 'x2']) writeFileSync(path.join(images, `${id}.jpg`), await drawPicture(id));
    const { kept } = await convertFakeddit(optionsFor(run, { imagesDir: images }));
    expect(kept).toEqual({ train: 2 });
    const { samples } = await readManifest({ file: path.join(run.out, 'train.csv') });
    expect(samples[0]?.row.image_path).toBe('archive/x1.jpg');
  });

  test('a sample is the same for the same seed, and in the order of the file', async () => {
    const images = path.join(dir, 'sampled');
    mkdirSync(images);
    const rows = Array.from({ length: 40 }, (_, n) => row(`s${n}`, '', n % 2 === 0));
    for (let n = 0; n < 40; n++) writeFileSync(path.join(images, `s${n}.jpg`), await drawPicture(`s${n}`));
    const draw = async (seed: number) => {
      const run = writeTsv(...rows);
      await convertFakeddit(optionsFor(run, { sample: 10, seed, imagesDir: images }));
      return (await readLedger(path.join(run.out, 'ledger.jsonl'))).map(({ line }) => line);
    };
    const [first, again, other] = [await draw(1), await draw(1), await draw(2)];
    expect(first).toHaveLength(10);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('when too many rows fail, no CSV is written and what was there stays', async () => {
    const run = writeTsv(...['k1', 'k2', 'k3', 'k4'].map((id, n) => row(id, '', n % 2 === 0)));
    const images = path.join(run.out, 'archive');
    mkdirSync(images);
    for (const id of ['k1', 'k2']) writeFileSync(path.join(images, `${id}.jpg`), await drawPicture(id));
    const args = [
      ...['train', 'val', 'test'].map((split) => `${split}=${run.file}`),
      `dir=${run.out}`,
      `images_dir=${images}`,
    ];
    const strict = await runEntry(entry, [...args, 'max_failed_share=0.4']);
    expect([strict.code, strict.stderr]).toEqual([
      1,
      expect.stringMatching(/CROSSCHECK_DATA_TOO_MANY_FAILED.*at least 60 % .*got 6 of 12; most often: no_url, 6 rows/),
    ]);
    expect(existsSync(path.join(run.out, 'train.csv'))).toBe(false);
    expect(await readLedger(path.join(run.out, 'ledger.jsonl'))).toHaveLength(12);
    const enough = await runEntry(entry, [...args, 'max_failed_share=0.5']);
    expect([enough.code, enough.stdout]).toEqual([0, expect.stringContaining('train.csv (2)')]);
  });

  test('a missing TSV, a wrong key and a missing column are explained', async () => {
    const nothing = await runEntry(entry, ['source=nowhere', `dir=${dir}/none`]);
    expect(nothing.stderr).toContain('CROSSCHECK_DATA_NOT_FOUND');
    expect(nothing.code).toBe(1);
    const wrong = await runEntry(entry, ['perhost=3']);
    expect(wrong.stderr).toContain('did you mean per_host=…?');
    const file = path.join(dir, 'odd.tsv');
    writeFileSync(file, 'id\tclean_titel\t2_way_label\n');
    const error: unknown = await convertFakeddit(optionsFor({ file, out: dir })).catch((thrown: unknown) => thrown);
    expect(isCrosscheckError(error, 'CROSSCHECK_DATA_MISSING_COLUMN') && error.message).toContain(
      'nearest: "clean_titel"',
    );
  });
});

describe('survival', () => {
  const entries = (label: 0 | 1, kept: number, lost: number, domain: string): LedgerEntry[] =>
    Array.from({ length: kept + lost }, (_, i) => ({
      split: 'train',
      id: `${domain}${label}${i}`,
      line: i,
      label,
      domain,
      url: '',
      detail: '',
      attempts: 1,
      image: null,
      sha256: null,
      bytes: null,
      width: null,
      height: null,
      fate: i < kept ? 'kept' : 'not_found',
    }));

  test("the original project's losses raise the alarm: 94 % of real rows kept, 49 % of fake ones", () => {
    const report = computeSurvival([...entries(0, 1850, 119, 'i.redd.it'), ...entries(1, 1474, 1557, 'i.imgur.com')]);
    expect(report.byClass.map(({ name, share }) => [name, Number(share.toFixed(2))])).toEqual([
      ['REAL', 0.94],
      ['FAKE', 0.49],
    ]);
    expect(report.byDomain.map(({ name, kept }) => [name, kept])).toEqual([
      ['i.imgur.com', 1474],
      ['i.redd.it', 1850],
    ]);
    expect(survivalWarning(report)).toContain('94.0 % of REAL, 48.6 % of FAKE rows were kept (p < 0.000001)');
  });

  test('equal losses, and differences that chance explains, do not', () => {
    expect(survivalWarning(computeSurvival([...entries(0, 900, 100, 'a'), ...entries(1, 905, 95, 'b')]))).toBeNull();
    expect(survivalWarning(computeSurvival([...entries(0, 9, 1, 'a'), ...entries(1, 7, 3, 'b')]))).toBeNull();
    const { pValue } = computeSurvival([...entries(0, 60, 40, 'a'), ...entries(1, 45, 55, 'b')]);
    expect(pValue).toBeCloseTo(0.033672, 5); // Python: math.erfc(2.12398 / math.sqrt(2))
  });
});

test('a ledger with lines of another kind is read as far as it goes', async () => {
  const file = path.join(dir, 'odd-ledger.jsonl');
  writeFileSync(file, '{"fate":"kept","id":"a"}\nnonsense\n');
  appendFileSync(file, '{"fate":"unheard-of"}\n');
  expect((await readLedger(file)).map(({ id }) => id)).toEqual(['a']);
});
