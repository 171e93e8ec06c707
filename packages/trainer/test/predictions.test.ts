import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type Prediction, predictionsOf } from '../src/predictions/prediction.ts';
import { formatPredictions, readPredictions } from '../src/predictions/predictions-file.ts';
import { testFolder } from './support/posts.ts';

const texts = [
  'plain',
  'commas, "quotes"\nand lines\r\n',
  '=HYPERLINK("http://evil","click")',
  '+1',
  '-1 degree',
  '@cmd',
  "'=already marked",
  "'tis the season",
  '\ttab',
  'naïve 漢字 🦄',
  '',
];

const rows: Prediction[] = texts.map((text, i) => ({
  id: i === 3 ? '=1+1' : `test.csv:${i + 2}`,
  image: i === 10 ? '' : `/posts/${i}.jpg`,
  text,
  label: i % 2 === 0 ? 0 : 1,
  probability: 1 / (i + 3),
  verdict: 'REAL',
  split: 'test',
  loss: 0.1 * i,
}));

function written(content: string): string {
  const file = path.join(testFolder(), 'predictions.csv');
  writeFileSync(file, content);
  return file;
}

it('predictions come back from their CSV as they were, whatever captions hold', () => {
  expect(readPredictions(written(formatPredictions(rows)))).toEqual(rows);
});

it('no cell begins as a spreadsheet’s formulas do', () => {
  const file = written(formatPredictions(rows));
  expect(readFileSync(file, 'utf8')).toContain(`"'=HYPERLINK(""http://evil"",""click"")"`);
  expect(readFileSync(file, 'utf8')).not.toMatch(/(^|[,"])[=@+]|(^|,)-/m);
});

it.each([
  ['id,label\na,1\n', /predictions\.csv, got something else/],
  ['not a table "', /predictions\.csv, got something else/],
  [formatPredictions(rows).replace('0.3333333333333333', '3'), /0\.probability/],
  [formatPredictions(rows).replace('0.3333333333333333', ''), /0\.probability/],
])('a file that is none is refused: %#', (content, message) => {
  expect(() => readPredictions(written(content))).toThrow(message);
  expect(() => readPredictions(written(content))).toThrow(
    expect.objectContaining({ code: 'CROSSCHECK_COMPARE_UNREADABLE' }),
  );
});

it('each judged row says what it adds to the log loss, and nothing of rows that were not judged', () => {
  const samples = [0, 1, 1].map((label, i) => ({
    text: `t${i}`,
    imagePath: `/p${i}`,
    label: label as 0 | 1,
    file: 'a/test.csv',
    line: i + 2,
    row: { name: `post ${i}` },
  }));
  const judged = { probabilities: [0.25, 0.5], labels: [0, 1], indices: [0, 2] };
  const options = { split: 'test', threshold: 0.5, idColumn: null };
  expect(predictionsOf(judged, samples, options)).toEqual([
    {
      id: 'test.csv:2',
      image: '/p0',
      text: 't0',
      label: 0,
      probability: 0.25,
      verdict: 'REAL',
      split: 'test',
      loss: -Math.log(0.75),
    },
    {
      id: 'test.csv:4',
      image: '/p2',
      text: 't2',
      label: 1,
      probability: 0.5,
      verdict: 'REAL',
      split: 'test',
      loss: Math.LN2,
    },
  ]);
  expect(predictionsOf(judged, samples, { ...options, idColumn: 'name' }).map(({ id }) => id)).toEqual([
    'post 0',
    'post 2',
  ]);
});
