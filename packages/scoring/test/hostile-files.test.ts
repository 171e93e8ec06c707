import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isCrosscheckError } from '@crosscheck/contract';
import { type Classifier, openClassifier } from '@crosscheck/inference';
import { classifyFile } from '@crosscheck/inference/batch';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFolder } from '../../curation/src/sources/folder.ts';
import { splitData } from '../../curation/src/split/split-data.ts';
import { readManifest } from '../../data/src/index.ts';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type HostileFile, hostileFiles } from '../../posts/test/hostile-files.ts';
import { split } from '../src/index.ts';
import { runHere } from './run-score.ts';

// The same files through the readers of train and evaluate, data:folder, data:split, infer and score: the same answers.
const folder = temporaryFolder();
let classifier: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(folder.dir);
  classifier = await openClassifier(folder.dir, { workers: 1 });
});
afterAll(async () => {
  await classifier.close();
  folder.remove();
});

type Rows = [text: string, label: number | null][];

/** Every way to read a file of posts; null where a command does not look at labels. */
const readers: Record<string, (file: string, dir: string, options: HostileFile['options']) => Promise<Rows>> = {
  async train(file, dir, options = {}) {
    const { samples } = await readManifest({ file, imagesDir: dir, ...options });
    return samples.map(({ text, label }) => [text, label]);
  },
  async 'data:folder'(file, dir, options = {}) {
    const columns = { textColumn: 'text_content', imageColumn: 'image_path', labelColumn: 'label' };
    const found = { option: 'images_dir', imageOption: 'image_column', endings: /\.\w+$/, folders: false };
    const given = { ...columns, ...found, imagesDir: dir, allowOutsideRoot: false, ...options };
    const posts = await readFolder(file, given);
    return posts.map(({ text, label }) => [text, label]);
  },
  async 'data:split'(file, dir, options = {}) {
    const out = path.join(dir, 'split');
    const shares = { train: 1, val: 0, test: 0 };
    const rest = { seed: 1, groupColumns: [], stratifyColumns: [], nearTexts: false, clean: false };
    await splitData({ files: [file], columns: { ...options, imagesDir: dir }, dir: out, shares, ...rest });
    const { samples } = await readManifest({ file: path.join(out, 'train.csv') });
    return samples.map(({ text, label }) => [text, label]);
  },
  async infer(file, dir, options = {}) {
    const judged: Rows = [];
    const summary = await classifyFile(classifier, {
      inputFile: file,
      outputFile: path.join(dir, 'out.jsonl'),
      rootDir: dir,
      textColumn: 'text_content',
      imageColumn: 'image_path',
      labelColumn: 'label',
      nRows: -1,
      width: 2,
      columns: { probability: true, confidence: true },
      ...options,
      onProblem: ({ message }) => expect.fail(message),
      onRow: ({ text }) => judged.push([text, null]),
    });
    const { real, fake, unknown } = summary.labelled();
    expect(real + fake + countOf(unknown)).toBe(judged.length);
    return judged;
  },
  async 'score:split'(file, dir, { encoding, delimiter } = {}) {
    const given = [
      ...(encoding ? [`data.encoding=${encoding}`] : []),
      ...(delimiter ? [`data.delimiter='${delimiter}'`] : []),
    ]; // prettier-ignore
    const { printed } = await runHere(split, [`score.input="${file}"`, `score.shards="${dir}/shards"`, ...given]);
    expect(printed).toMatch(/posts in 1 shards/);
    const shard = path.join(dir, `shards/posts-000000${file.endsWith('.jsonl') ? '.jsonl' : '.csv'}`);
    const { samples } = await readManifest({ file: shard, imagesDir: dir, labelRequired: false });
    return samples.map(({ text }) => [text, null]);
  },
};

const countOf = (words: ReadonlyMap<string, number>) => [...words.values()].reduce((sum, rows) => sum + rows, 0);
const readsLabels = (name: string) => name !== 'infer' && name !== 'score:split';

let files = 0;
function place({ content, file = 'posts.csv', rows }: HostileFile): { file: string; dir: string } {
  const dir = path.join(folder.dir, String(files++));
  mkdirSync(dir);
  for (const [i, name] of ['a.jpg', 'b.jpg'].entries())
    writeFileSync(
      path.join(dir, name),
      encodePng(40, 40, (x, y) => (rows ? [x * 6, y * 6, i * 200] : [1, 2, 3])),
    );
  writeFileSync(path.join(dir, file), content);
  return { file: path.join(dir, file), dir };
}

/** Rows in a fixed order, or an error by its code and which of the expected words it has. */
async function answerOf(reading: Promise<Rows>, words: readonly RegExp[]) {
  try {
    return sorted(await reading);
  } catch (error) {
    if (!isCrosscheckError(error)) throw error;
    return { code: error.code, missing: words.filter((word) => !word.test(error.message)).map(String) };
  }
}

function expectedOf({ rows, error, texts }: HostileFile, hasLabels: boolean) {
  if (rows) return sorted(rows.map(([text, label]) => [text, hasLabels ? label : null]));
  // No verdict depends on labels.
  if (texts && !hasLabels) return sorted(texts.map((text) => [text, null]));
  return { code: error?.[0], missing: [] };
}

describe.each(Object.keys(readers))('%s', (name) => {
  test.each(hostileFiles)('$name', async (hostile) => {
    const { file, dir } = place(hostile);
    const reading = (readers[name] as (typeof readers)[string])(file, dir, hostile.options);
    const [, ...words] = hostile.error ?? [];
    expect(await answerOf(reading, words)).toEqual(expectedOf(hostile, readsLabels(name)));
  });
});

const sorted = (rows: Rows) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));

test('what a reader takes for text is what stands in the output', async () => {
  const { file, dir } = place({ name: '', content: Buffer.from('text_content;image_path\nCaf\xe9;a.jpg\n', 'latin1') });
  await readers.infer?.(file, dir, { encoding: 'latin1' }).catch(() => {});
  expect(readFileSync(path.join(dir, 'out.jsonl'), 'utf8')).toContain('Café');
});
