import { computeMetrics } from '@crosscheck/evaluation';
import { runEntry } from '@crosscheck/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ReportData, renderReport, type ScoredSplit } from '../src/index.ts';
import { exampleReport } from './report-data.ts';
import { exampleSplit } from './split.ts';

const plain = { title: 'Run', version: '1.0', createdAt: '2026-11-21T07:30:00.000Z' };

function tagsOf(page: string, name: string): string[] {
  return page.match(new RegExp(`<${name}[\\s>][^>]*>?`, 'g')) ?? [];
}

function headingsOf(page: string): string[] {
  return Array.from(page.matchAll(/<h2[^>]*>([^<]*)</g), ([, heading]) => heading as string);
}

describe('a full report', () => {
  let data: ReportData;
  let page: string;
  beforeAll(async () => {
    data = await exampleReport();
    page = await renderReport(data);
  });

  test('has every section, each reachable from the navigation', () => {
    expect(headingsOf(page)).toEqual([
      'Result on test',
      'Does it use both image and text?',
      'Verdicts',
      'Calibration and threshold',
      'By subreddit',
      'Prediction checks',
      'All 6 mistakes, the surest first',
      'Training',
      'Configuration',
      'Environment',
    ]);
    const targets = Array.from(page.matchAll(/<a href="#([^"]+)"/g), ([, id]) => id as string);
    expect(targets.length).toBe(10);
    for (const id of targets) expect(page).toContain(`<section id="${id}"`);
  });

  test('asks nothing of any other host', () => {
    const markup = page.replace(/data:[a-z0-9/+-]+;base64,[A-Za-z0-9+/=]*/g, 'data:');
    const tags = markup.match(/<[a-z][^>]*>/gi) ?? [];
    const links = tags.flatMap((tag) =>
      Array.from(tag.matchAll(/(?:src|href|srcset|action|data)="([^"]*)"/g), ([, link]) => link),
    );
    expect(links.filter((link) => !link?.startsWith('#') && link !== 'data:')).toEqual([]);
    expect(tagsOf(markup, 'script')).toEqual([]);
    expect(tagsOf(markup, 'link')).toEqual([]);
    expect(markup).not.toMatch(/url\((?!data:)|@import/);
    expect(markup).toContain("default-src 'none'");
  });

  test('escapes captions, in text and in alternative text', () => {
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;script&gt;alert(&quot;caption&quot;)&lt;/script&gt; &amp; &quot;quotes&quot;');
    expect(page).toMatch(/alt="Picture posted with the caption: &lt;script&gt;/);
    expect(page).toContain('Городские огни ночью');
  });

  test('gives every plot and picture a text alternative', () => {
    const plots = tagsOf(page, 'svg');
    expect(plots.length).toBe(13);
    for (const plot of plots) expect(plot).toMatch(/role="img" aria-label="[^"]{20,}"/);
    const pictures = tagsOf(page, 'img');
    expect(pictures.length).toBe(4);
    for (const picture of pictures) expect(picture).toMatch(/src="data:image\/jpeg;base64,[^"]+" alt="[^"]+"/);
  });

  test('shows small copies of pictures, and says so when there is none', () => {
    expect(page).toContain('no picture');
    expect(page).toContain('picture cannot be read');
    expect(page.length).toBeLessThan(400_000);
  });

  test('gives headline metrics their intervals', () => {
    const cards = Array.from(page.matchAll(/<li class="card">[\s\S]*?<\/li>/g), ([card]) => card);
    expect(cards.length).toBe(6);
    for (const card of cards) expect(card).toMatch(/0\.\d{3}[\s\S]*0\.\d{3} – 0\.\d{3}/);
  });

  test('every table has a caption and row headings', () => {
    const tables = Array.from(page.matchAll(/<table>[\s\S]*?<\/table>/g), ([table]) => table);
    expect(tables.length).toBe(10);
    for (const table of tables)
      expect(table).toMatch(/<caption><span>[^<]+<\/span><\/caption>[\s\S]*<th scope="col"[\s\S]*<th scope="row"/);
  });

  test('marks the best epoch, and shows config keys with their origins', () => {
    expect(page).toMatch(/9 <strong title="best epoch">best<\/strong>/);
    expect(page).toContain('<code>training.phases.1.name</code>');
    expect(page).toContain('override training.learning_rate=1e-4');
    expect(page).toContain('<code>[a, b]</code>');
  });

  test('says whether both inputs are used', () => {
    expect(page).toContain('The model uses both image and text');
  });

  test('is the same page each time', async () => {
    expect(await renderReport(data)).toBe(page);
  });
});

describe('calibration', () => {
  const split = exampleSplit(400);
  const kept: ScoredSplit = {
    ...exampleSplit(300),
    split: 'kept validation',
    threshold: 0.4,
    abstainBand: { low: 0.3, high: 0.6 },
    note: 'Nothing else was done with <these> posts.',
  };
  const sectionOf = async (data: Partial<ReportData>) => {
    const page = await renderReport({ ...plain, ...data });
    return page.match(/<section id="calibration"[\s\S]*?<\/section>/)?.[0] ?? '';
  };

  test('is shown on rows of its own where there are some, and says which', async () => {
    const section = await sectionOf({ evaluation: split, calibration: kept });
    expect(section).toContain('Shown on 300 posts of kept validation. Nothing else was done with &lt;these&gt; posts.');
    expect(section).toContain('the threshold in use, 0.4.');
    expect(await sectionOf({ evaluation: split })).toContain(`Shown on 400 posts of ${split.split}.`);
  });

  test('stands before and after as table and plot', async () => {
    const section = await sectionOf({ calibration: kept, evaluation: split });
    const { uncalibrated = [], probabilities, labels } = kept;
    const [before, after] = [uncalibrated, probabilities].map((list) => computeMetrics(list, labels).brier.toFixed(3));
    expect(section).toMatch(new RegExp(`Brier score</th><td[^>]*>${before}</td><td[^>]*>${after}<`));
    expect(section).toMatch(
      /aria-label="Reliability diagram: expected calibration error [\d.]+ before and [\d.]+ after/,
    );
    const { uncalibrated: _, ...once } = split;
    expect(await sectionOf({ evaluation: once })).not.toContain('Brier score');
  });

  test('says what abstaining leaves', async () => {
    const section = await sectionOf({ calibration: kept, evaluation: split });
    const sure = Array.from(kept.probabilities).filter((p) => p < 0.3 || p > 0.6).length / 300;
    expect(section).toContain(`UNSURE from 0.300 to 0.600: ${(100 * sure).toFixed(1)} % of these posts`);
    expect(section).toMatch(/80\.0 %<\/th>/);
    expect(await sectionOf({ evaluation: split })).not.toContain('UNSURE');
  });
});

describe('a report with parts missing', () => {
  test('shows what there is', async () => {
    expect(headingsOf(await renderReport(plain))).toEqual([]);
    expect(headingsOf(await renderReport({ ...plain, environment: { node: '24' } }))).toEqual(['Environment']);
    expect(headingsOf(await renderReport({ ...plain, evaluation: exampleSplit(50) }))).toEqual([
      'Result on test',
      'Verdicts',
      'Calibration and threshold',
    ]);
  });

  test('rows of one class give n/a in place of numbers', async () => {
    const page = await renderReport({
      ...plain,
      evaluation: { split: 'x', probabilities: [0.2, 0.7], labels: [1, 1], threshold: 0.5 },
    });
    expect(page).toMatch(/ROC-AUC<\/span>\s*<span class="value">n\/a/);
    expect(page).not.toContain('NaN');
  });

  test('no rows at all give a page', async () => {
    const page = await renderReport({
      ...plain,
      evaluation: { split: 'x', probabilities: [], labels: [], threshold: 0.5 },
    });
    expect(page).not.toContain('NaN');
  });

  test('text from anywhere is escaped', async () => {
    const evil = '<b onclick="x">';
    const page = await renderReport({
      ...plain,
      title: evil,
      description: evil,
      warnings: [evil],
      epochs: [{ phase: evil, epoch: 0, metrics: { 'val/loss': 1, [evil]: 2 } }],
      phases: [{ phase: evil, details: { [evil]: evil } }],
      groups: { column: evil, values: [evil, evil] },
      evaluation: { split: evil, probabilities: [0.2, 0.7], labels: [0, 1], threshold: 0.5 },
      checks: { [evil]: { passed: true, message: evil, value: 1 } },
      mistakes: [{ image: null, caption: evil, label: 0, probability: 0.9, source: evil }],
      config: { [evil]: evil },
      configOrigins: { [evil]: evil },
      environment: { [evil]: evil },
    });
    expect(page).not.toContain('<b ');
    expect(page.split('&lt;b onclick=&quot;x&quot;&gt;').length).toBeGreaterThan(15);
  });
});

test('importing the package loads neither Vega nor sharp', async () => {
  const { code, stdout, stderr } = await runEntry('packages/report/test/list-imports.ts', []);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('@crosscheck/evaluation');
  expect(stdout).not.toMatch(/vega|sharp|opentype/);
});
