import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateDemo } from '@crosscheck/demo';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AuditReport,
  type AuditSource,
  auditData,
  type FindingKind,
  findingKinds,
  renderAudit,
} from '../../src/index.ts';
import { PLANTED, type PlantedSet, plantFaults } from './planted-set.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const entry = 'packages/curation/src/bin/audit.ts';
const sourceOf = (rootDir: string): AuditSource => ({
  rootDir,
  files: {},
  imagesDir: null,
  textColumn: 'text_content',
  imageColumn: 'image_path',
  labelColumn: 'label',
});

const kinds = Object.keys(findingKinds) as FindingKind[];

describe('planted faults', () => {
  const root = path.join(dir, 'planted');
  let planted: PlantedSet;
  let report: AuditReport;
  beforeAll(async () => {
    planted = await plantFaults(root, 5);
    report = await auditData({ source: sourceOf(root) });
  });

  test.each(kinds)('%s: every planted one is found, and nothing else', (kind) => {
    const truth = planted.groups[kind];
    const found = report.findings
      .filter((finding) => finding.kind === kind)
      .map(({ rows }) => rows.map(({ split, line }) => `${split}:${line}`).sort());
    const has = (groups: string[][], group: string[]) => groups.some((one) => one.join() === group.join());
    const recall = truth.filter((group) => has(found, group)).length / truth.length;
    const precision = found.filter((group) => has(truth, group)).length / found.length;
    expect(truth.length).toBeGreaterThanOrEqual(PLANTED);
    expect({ recall, precision }).toEqual({ recall: 1, precision: 1 });
  });

  test('revealing words: every planted one is found, and nothing else', () => {
    const found = report.words.revealing.map(({ word, label }) => `${word} ${label}`).sort();
    expect(found).toEqual(planted.words.map(({ word, label }) => `${word} ${label === 1 ? 'FAKE' : 'REAL'}`).sort());
  });

  test('columns that tell the label: every planted one is found, no innocent one', () => {
    const found = report.properties.filter(({ kind, reason }) => kind === 'column' && reason !== null);
    expect(found.map(({ name }) => name).sort()).toEqual(['2_way_label', ...planted.leakingColumns].sort());
  });

  test('the limits that these faults break are broken, the others hold', () => {
    const broken = report.limits.filter(({ isBroken }) => isBroken).map(({ name }) => name);
    expect(broken.sort()).toEqual([
      'blank',
      'conflict',
      'duplicate',
      'label_meaning',
      'missing',
      'overlap_id',
      'overlap_near_text',
      'overlap_picture',
      'overlap_text',
      'placeholder',
      'revealed',
      'tiny',
      'unreadable',
      'unusable',
    ]);
  });

  test('the page stands alone: pictures inside, nothing loaded, every text escaped', async () => {
    const post = report.findings.find(({ kind }) => kind === 'overlap_picture')?.rows[0];
    if (post) post.text = '<script>alert(1)</script>';
    const page = await renderAudit(report, 'planted & more', '2026-01-02T03:04:05Z');
    expect(page).toContain('data:image/jpeg;base64,');
    expect(page).not.toMatch(/<script|src="(?!data:)|url\((?!data:)/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('planted &amp; more');
    for (const kind of kinds) expect(page).toContain(`id="${kind}"`);
  });
});

describe('the command', () => {
  const root = path.join(dir, 'demo');
  beforeAll(() => generateDemo({ dir: root, seed: 3, train: 200, val: 40, test: 40, imageSize: 64 }));

  test('passes clean posts, also when strict, and writes a page and a JSON', async () => {
    const { code, stdout } = await runEntry(entry, [`root_dir=${root}`, '--strict', 'max_overlap_near_text=0.2']);
    expect(stdout).toContain('no limit is broken');
    expect(code).toBe(0);
    expect(existsSync(path.join(root, 'audit/audit.html'))).toBe(true);
    const json = JSON.parse(readFileSync(path.join(root, 'audit/audit.json'), 'utf8')) as AuditReport;
    expect(json.classes.map(({ real, fake }) => [real, fake])).toEqual([
      [100, 100],
      [20, 20],
      [20, 20],
    ]);
    expect(json.files.every(({ digest }) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
  });

  test('names the limit that is broken, and fails only when strict', async () => {
    const broken = path.join(dir, 'broken');
    mkdirSync(broken);
    const rows = readFileSync(path.join(root, 'train.csv'), 'utf8').trimEnd().split('\n');
    for (const [split, lines] of Object.entries({ train: rows, val: [rows[0], ...rows.slice(1, 30)] })) {
      writeFileSync(path.join(broken, `${split}.csv`), `${lines.join('\n')}\n`);
    }
    const args = [`root_dir=${broken}`, `images_dir=${root}`];
    const lenient = await runEntry(entry, args);
    expect([lenient.code, lenient.stdout]).toEqual([0, expect.stringContaining('broken: max_overlap_text=0, got 1')]);
    expect((await runEntry(entry, [...args, 'strict=true'])).code).toBe(1);
    const off = [
      'max_overlap_text=-1',
      'max_overlap_picture=1',
      'max_overlap_near_text=-1',
      'max_class_gap=0.5',
      'max_overlap_id=-1',
    ];
    const tolerated = await runEntry(entry, [...args, '--strict', ...off]);
    expect([tolerated.code, tolerated.stdout]).toEqual([0, expect.stringContaining('no limit is broken')]);
  });

  test('a missing folder and a misspelt limit are explained', async () => {
    const nothing = await runEntry(entry, [`root_dir=${dir}/nowhere`]);
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_DATA_NOT_FOUND')]);
    const wrong = await runEntry(entry, ['max_overlap_txt=0.1']);
    expect(wrong.stderr).toContain('did you mean max_overlap_text=…?');
  });

  test("the download's ledger gives survival by class and host", async () => {
    const entries = Array.from({ length: 400 }, (_, i) => ({
      split: 'train',
      id: String(i),
      line: i + 2,
      label: i % 2,
      domain: i % 2 ? 'i.imgur.com' : 'i.redd.it',
      fate: i % 2 && i % 3 ? 'not_found' : 'kept',
    }));
    writeFileSync(path.join(root, 'ledger.jsonl'), entries.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const report = await auditData({ source: sourceOf(root) });
    expect(report.survival?.byClass.map(({ name, kept, rows }) => [name, kept, rows])).toEqual([
      ['REAL', 200, 200],
      ['FAKE', 67, 200],
    ]);
    expect(report.limits.find(({ name }) => name === 'survival_gap')?.isBroken).toBe(true);
    expect(await renderAudit(report, 'demo', '2026-01-02T03:04:05Z')).toContain('What was lost on the way');
  });
});
