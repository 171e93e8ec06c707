import path from 'node:path';
import { defaultPreprocessing, print } from '@crosscheck/contract';
import { readManifest } from '@crosscheck/data';
import { loadTokenizer } from '@crosscheck/preprocess';
import { runDataCommand } from '../command-line.ts';
import { readingOf, readingOptions } from '../reading-options.ts';
import { failureOptions } from '../sources/source-command.ts';
import { readAc215, writeAc215 } from '../sources/tfrecord/ac215.ts';
import { describeLost, writeSource } from '../sources/write-source.ts';

const write = print;

await runDataCommand({
  name: 'data:tfrecord',
  summary: 'Reads TFRecords of the AC215 system into a CSV, or writes them from one.',
  options: {
    action: { default: 'read', choices: ['read', 'write'], help: 'read = records → CSV, write = CSV → records' },
    source: { default: 'data/tfrecords', help: 'records: a file or a folder; for write, the CSV' },
    dir: { default: 'data', help: 'receives <split>.csv and images/, or tfrecords_<n>.tfrecord' },
    split: { default: 'train', help: 'name of the CSV to be made' },
    tokenizer: {
      default: 'vocab.txt',
      help: "BERT's uncased vocab.txt or tokenizer.json, or a folder with one of them",
    },
    positive_class: { default: 'fake', choices: ['fake', 'real'], help: 'what label 1 means in the records' },
    image_size: { default: 128, min: 1, help: 'write: pixels per side' },
    length: { default: 128, min: 3, help: 'write: word ids per post' },
    per_file: { default: 10_000, min: 1, help: 'write: posts per file' },
    ...readingOptions,
    min_side: { default: 1, help: 'read: pixels; smaller pictures are left out' },
    ...failureOptions,
  },
  async main(values) {
    const tokenizer = await loadTokenizer(values.tokenizer, { ...defaultPreprocessing, maxTokens: values.length });
    const positiveClass = values.positive_class === 'real' ? 'real' : 'fake';
    if (values.action === 'write') {
      const { samples, notes } = await readManifest({ file: values.source, ...readingOf(values) });
      for (const note of notes) write(note);
      const { dir, image_size: size, length, per_file: perFile } = values;
      const files = await writeAc215(samples, tokenizer, { dir, perFile, size, length, positiveClass });
      return write(`wrote ${samples.length} posts to ${files.join(', ')}`);
    }
    const posts = await readAc215(values.source, tokenizer, positiveClass);
    const limits = { minSide: values.min_side, maxPixels: 1e9, placeholders: new Set<string>() };
    const maxFailedShare = values.max_failed_share;
    const to = { dir: values.dir, limits, allowBlank: true, maxFailedShare };
    const { kept, fates } = await writeSource({ [values.split]: posts }, to);
    write(`${path.join(values.dir, `${values.split}.csv`)}: ${kept[values.split]?.rows} of ${posts.length} posts`);
    write(describeLost(fates));
  },
});
