import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type ClassifyFileOptions, classifyFile } from '../src/batch-file/classify-file.ts';
import type { BatchSummary } from '../src/batch-file/tally.ts';
import { type Classifier, openClassifier } from '../src/index.ts';

const folder = temporaryFolder();
let classifier: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(folder.dir);
  for (let i = 0; i < 3; i++)
    writeFileSync(
      `${folder.dir}/${i}.png`,
      encodePng(20, 20, (x, y) => [x * 12, y * 12, i * 80]),
    );
  classifier = await openClassifier(folder.dir, { workers: 1 });
});
afterAll(async () => {
  await classifier.close();
  folder.remove();
});

interface Judged {
  summary: BatchSummary;
  text: string;
  resumedAfter: number | null;
}

async function judge(input: string, output: string, options: Partial<ClassifyFileOptions> = {}): Promise<Judged> {
  const result = { resumedAfter: null as number | null };
  const summary = await classifyFile(classifier, {
    inputFile: `${folder.dir}/${input}`,
    outputFile: `${folder.dir}/${output}`,
    rootDir: folder.dir,
    textColumn: 'text_content',
    imageColumn: 'image_path',
    labelColumn: 'label',
    nRows: -1,
    width: 8,
    columns: { probability: true, confidence: true },
    onProblem: () => {},
    onResumed: (rows) => (result.resumedAfter = rows),
    ...options,
  });
  return { summary, text: readFileSync(`${folder.dir}/${output}`, 'utf8'), ...result };
}

const objects = Array.from({ length: 40 }, (_, i) => ({
  text_content: `a "flood" in the city,\n${'night '.repeat(i % 5)}${i}`,
  image_path: i === 7 ? 'missing.png' : `${i % 3}.png`,
  label: i % 2,
}));
const write = (name: string, text: string) => writeFileSync(`${folder.dir}/${name}`, text);
const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
const csv = `text_content,image_path,label\n${objects.map((o) => `${quote(o.text_content)},${o.image_path},${o.label}`).join('\n')}\n`;
const jsonl = `${objects.map((o) => JSON.stringify(o)).join('\n')}\n`;
const leftovers = () => readdirSync(folder.dir).filter((name) => name.includes('.partial'));

/** Probabilities move in the seventh digit with the batch that a post shares. */
const rounded = (text: string) => text.replaceAll(/0\.\d{5,}/g, (number) => Number(number).toFixed(4));

/** Stops a run of `rows` rows by a classifier that is closed, as a killed process would, and cuts its last row in the middle. */
async function interrupt(input: string, output: string, rows: number): Promise<void> {
  let judged = 0;
  const failing: Classifier = {
    artifact: classifier.artifact,
    threshold: classifier.threshold,
    abstainBand: null,
    explain: (post) => classifier.explain(post),
    stats: () => classifier.stats(),
    close: async () => {},
    async classify(posts, options) {
      if (++judged > rows) throw Object.assign(new Error('killed'), { code: 'X' });
      return classifier.classify(posts, options);
    },
  };
  const options = {
    resume: true,
    width: 1,
    onProblem: ({ message }: { message: string }) => {
      if (message === 'killed') throw new Error('killed');
    },
  };
  await expect(
    classifyFile(failing, {
      inputFile: `${folder.dir}/${input}`,
      outputFile: `${folder.dir}/${output}`,
      rootDir: folder.dir,
      textColumn: 'text_content',
      imageColumn: 'image_path',
      labelColumn: 'label',
      nRows: -1,
      columns: { probability: true, confidence: true },
      ...options,
    }),
  ).rejects.toThrow('killed');
  const partial = `${folder.dir}/${output}.partial`;
  writeFileSync(partial, readFileSync(partial, 'utf8').slice(0, -9));
}

test.each([
  ['posts.csv', csv, 'out.csv'],
  ['posts.jsonl', jsonl, 'out.jsonl'],
  ['posts.csv', csv, 'mixed.jsonl'],
])(
  'an interrupted run over %s is gone on with and ends as an uninterrupted one (%#)',
  async (input, content, output) => {
    write(input, content);
    const whole = await judge(input, output);
    await interrupt(input, output, 24); // calls: the row without its image makes none
    const resumed = await judge(input, output, { resume: true });
    expect(resumed.resumedAfter).toBe(25); // 26 were written, the last one is torn
    expect(rounded(resumed.text)).toBe(rounded(whole.text));
    // Why earlier rows failed stands in the messages of the interrupted run.
    const comparable = (summary: BatchSummary) => ({
      ...summary,
      labelled: { ...summary.labelled(), diagnoses: summary.labelled().diagnoses.map(({ id }) => id) },
      averageConfidence: 0,
      failures: [],
    });
    expect(comparable(resumed.summary)).toEqual(comparable(whole.summary));
    expect(resumed.summary.averageConfidence).toBeCloseTo(whole.summary.averageConfidence, 6);
    expect(leftovers()).toEqual([]);
  },
);

test('a run that ended while it copied the earlier rows goes on from those', async () => {
  write('posts.csv', csv);
  const whole = await judge('posts.csv', 'out.csv');
  await interrupt('posts.csv', 'out.csv', 24);
  renameSync(`${folder.dir}/out.csv.partial`, `${folder.dir}/out.csv.partial.old`);
  write('out.csv.partial', 'text_content,im');
  const resumed = await judge('posts.csv', 'out.csv', { resume: true });
  expect(resumed.resumedAfter).toBe(25);
  expect(rounded(resumed.text)).toBe(rounded(whole.text));
  expect(leftovers()).toEqual([]);
});

test('what was begun with another input or another threshold is not gone on with', async () => {
  write('posts.csv', csv);
  await interrupt('posts.csv', 'out.csv', 10);
  write('posts.csv', `${csv}one more,0.png,1\n`);
  await expect(judge('posts.csv', 'out.csv', { resume: true })).rejects.toMatchObject({
    code: 'CROSSCHECK_INFER_RESUME_MISMATCH',
    message: expect.stringContaining('inputBytes'),
  });
  expect(existsSync(`${folder.dir}/out.csv.partial`)).toBe(true);
  const anew = await judge('posts.csv', 'out.csv');
  expect(anew.summary.total).toBe(41);
  expect(leftovers()).toEqual([]);
});

test('n_rows counts the rows of the earlier run, and with nothing to go on from resuming starts anew', async () => {
  write('posts.csv', csv);
  const fresh = await judge('posts.csv', 'fresh.csv', { resume: true, nRows: 12 });
  expect([fresh.summary.total, fresh.resumedAfter]).toEqual([12, null]);
  await interrupt('posts.csv', 'fresh.csv', 10);
  expect((await judge('posts.csv', 'fresh.csv', { resume: true, nRows: 12 })).summary.total).toBe(12);
});

test('JSON Lines keep types, nested values and keys that only some lines have', async () => {
  const lines = [
    { text_content: 'a flood', image_path: '0.png', label: 1, tags: ['x', 2], seen: null },
    { text_content: 'the night', image_path: '1.png', extra: { deep: true }, prediction: 'mine' },
  ];
  write('typed.jsonl', `\uFEFF${lines.map((line) => JSON.stringify(line)).join('\r\n')}\r\n\r\nnonsense\r\n[1]\r\n`);
  const { text, summary } = await judge('typed.jsonl', 'typed-out.ndjson');
  const [first, second, third, fourth] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({ text_content: 'a flood', true_label: 1, tags: ['x', 2], seen: null });
  expect(first.label === 0 || first.label === 1).toBe(true);
  expect(first.confidence).toBeGreaterThanOrEqual(0.5);
  expect(second).toMatchObject({ extra: { deep: true }, input_prediction: 'mine' });
  expect(third).toEqual({ prediction: 'ERROR', label: -1, probability: -1, confidence: -1 });
  expect(fourth).toEqual(third);
  expect(summary).toMatchObject({ total: 4, failed: 2 });
});

test('CSV becomes JSON Lines and back by the names of the files', async () => {
  write('posts.csv', csv);
  write('posts.jsonl', jsonl);
  const lines = (await judge('posts.csv', 'a.jsonl')).text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ text_content: objects[0]?.text_content, true_label: '0' });
  const direct = await judge('posts.csv', 'a.csv');
  const around = await judge('posts.jsonl', 'b.csv');
  expect(rounded(around.text)).toBe(rounded(direct.text));
});

test('a file that is no JSON Lines at all says so', async () => {
  write('wrong.jsonl', csv);
  await expect(judge('wrong.jsonl', 'wrong-out.jsonl')).rejects.toMatchObject({
    code: 'CROSSCHECK_DATA_BROKEN_JSON',
  });
});
