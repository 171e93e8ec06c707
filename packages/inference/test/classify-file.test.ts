import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type ClassifyFileOptions, classifyFile } from '../src/batch-file/classify-file.ts';
import type { RowProblem } from '../src/batch-file/tally.ts';
import { type Classifier, openClassifier } from '../src/index.ts';

const folder = temporaryFolder();
let classifier: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(folder.dir);
  for (let i = 0; i < 3; i++) {
    writeFileSync(
      `${folder.dir}/${i}.png`,
      encodePng(20, 20, (x, y) => [x * 12, y * 12, i * 80]),
    );
  }
  writeFileSync(`${folder.dir}/broken.png`, 'no picture');
  classifier = await openClassifier(folder.dir);
});
afterAll(async () => {
  await classifier.close();
  folder.remove();
});

async function judge(csv: string | Buffer, options: Partial<ClassifyFileOptions> = {}) {
  const [inputFile, outputFile] = [`${folder.dir}/in.csv`, `${folder.dir}/out/verdicts.csv`];
  writeFileSync(inputFile, csv);
  const problems: RowProblem[] = [];
  const summary = await classifyFile(classifier, {
    inputFile,
    outputFile,
    rootDir: folder.dir,
    textColumn: 'text_content',
    imageColumn: 'image_path',
    labelColumn: 'label',
    nRows: -1,
    width: 8,
    columns: { probability: true, confidence: true },
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  const text = readFileSync(outputFile, 'utf8');
  const [header, ...rows] = parse(text) as string[][];
  return { summary, problems, text, header, rows };
}

test('adds the verdict to every column of the input and keeps an existing label as true_label', async () => {
  const { header, rows, summary } = await judge(
    'id,text_content,image_path,label\n7,a flood,0.png,1\n8,the city,1.png,0\n',
  );
  expect(header).toEqual([
    'id',
    'text_content',
    'image_path',
    'true_label',
    'prediction',
    'label',
    'probability',
    'confidence',
  ]);
  const [first] = await classifier.classify([{ text: 'a flood', image: `${folder.dir}/0.png` }]);
  const { prediction, labelId, probabilityFake, confidence } = first as NonNullable<typeof first>;
  expect(rows[0]?.slice(0, 6)).toEqual(['7', 'a flood', '0.png', '1', prediction, String(labelId)]);
  expect(Number(rows[0]?.[6])).toBeCloseTo(probabilityFake, 6);
  expect(Number(rows[0]?.[7])).toBeCloseTo(confidence, 6);
  expect(summary).toMatchObject({ total: 2, failed: 0 });
  expect(summary.averageConfidence).toBeCloseTo((Number(rows[0]?.[7]) + Number(rows[1]?.[7])) / 2, 9);
});

test('bad rows become ERROR,-1,-1.0,-1.0 with a reason and their line, and the rest goes on', async () => {
  const csv = 'text_content,image_path\na,broken.png\nb,missing.png\nc,\nd,0.png\n"e, f",0.png,extra\n';
  const { rows, problems, summary } = await judge(csv);
  expect(rows.map((row) => row[2])).toEqual(['ERROR', 'ERROR', 'ERROR', expect.stringMatching(/REAL|FAKE/), 'ERROR']);
  expect(rows[0]?.slice(2)).toEqual(['ERROR', '-1', '-1.0', '-1.0']);
  expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 6]);
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('broken.png'),
    expect.stringContaining('missing.png'),
    expect.stringContaining('no picture'),
    expect.stringContaining('expected 2 cells as in the header, got 3'),
  ]);
  expect(summary).toMatchObject({ total: 5, failed: 4 });
});

test('reads a byte order mark, Windows line ends, quoted commas, quotes and newlines, and writes them back', async () => {
  const text = 'a "flood",\r\nin the city';
  const csv = `\uFEFFtext_content,image_path\r\n"a ""flood"",\r\nin the city",0.png\r\nthe night,1.png\r\n`;
  const { header, rows, problems } = await judge(csv);
  expect(header?.[0]).toBe('text_content');
  expect(rows.map((row) => row[0])).toEqual([text, 'the night']);
  expect(problems).toEqual([]);
});

test('keeps the order of rows whatever their length', async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `${'flood '.repeat(1 + ((i * 7) % 20))}${i},${i % 3}.png`);
  const { rows, summary } = await judge(`text_content,image_path\n${lines.join('\n')}\n`);
  expect(rows.map((row) => `${row[0]},${row[1]}`)).toEqual(lines);
  expect(summary.total).toBe(60);
  expect(summary.fake + summary.real).toBe(60);
});

test('n_rows stops early, and the output obeys the column switches', async () => {
  const csv = 'text_content,image_path\na,0.png\nb,1.png\nc,2.png\n';
  const { rows, header } = await judge(csv, { nRows: 2, columns: { probability: false, confidence: false } });
  expect(rows).toHaveLength(2);
  expect(header).toEqual(['text_content', 'image_path', 'prediction', 'label']);
});

test('an output of an earlier run can be judged again', async () => {
  const csv = 'text_content,image_path,true_label,prediction,label,probability\na,0.png,1,REAL,0,0.25\n';
  const { header, rows } = await judge(csv);
  expect(header?.slice(0, 6)).toEqual([
    'text_content',
    'image_path',
    'true_label',
    'input_prediction',
    'true_label_2',
    'input_probability',
  ]);
  expect(rows[0]?.slice(0, 6)).toEqual(['a', '0.png', '1', 'REAL', '0', '0.25']);
});

test('a missing column is fatal, lists what is there, and leaves the earlier output alone', async () => {
  const before = await judge('text_content,image_path\na,0.png\n');
  await expect(judge('text,image_path\na,0.png\n')).rejects.toMatchObject({
    code: 'CROSSCHECK_DATA_MISSING_COLUMN',
    message: expect.stringContaining('"text", "image_path"'),
  });
  expect(readFileSync(`${folder.dir}/out/verdicts.csv`, 'utf8')).toBe(before.text);
});

test('a quote that never closes is fatal and leaves no partial output', async () => {
  await expect(judge('text_content,image_path\na,0.png\n"b,1.png\n')).rejects.toMatchObject({
    code: 'CROSSCHECK_DATA_BROKEN_CSV',
  });
  expect(existsSync(`${folder.dir}/out/verdicts.csv.partial`)).toBe(false);
});

test('a missing input file and an output that cannot be written are named', async () => {
  const base = {
    rootDir: folder.dir,
    textColumn: 't',
    imageColumn: 'i',
    labelColumn: 'label',
    nRows: -1,
    width: 8,
    columns: { probability: true, confidence: true },
  };
  const options = { ...base, onProblem: () => {} };
  const nowhere = { ...options, inputFile: `${folder.dir}/nowhere.csv`, outputFile: `${folder.dir}/o.csv` };
  await expect(classifyFile(classifier, nowhere)).rejects.toMatchObject({ code: 'CROSSCHECK_DATA_NOT_FOUND' });
  writeFileSync(`${folder.dir}/in.csv`, 't,i\na,0.png\n');
  const blocked = { ...options, inputFile: `${folder.dir}/in.csv`, outputFile: `${folder.dir}/in.csv/o.csv` };
  await expect(classifyFile(classifier, blocked)).rejects.toMatchObject({ code: 'CROSSCHECK_INFER_OUTPUT_UNWRITABLE' });
});

test('an empty file says that its header is missing', async () => {
  await expect(judge('')).rejects.toThrow('no header line');
});
