import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { defaultPreprocessing } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { expect, it } from 'vitest';
import { buildBertTokenizerJson, loadTokenizer } from '../src/index.ts';

const vocab = readFileSync(path.join(import.meta.dirname, 'golden/vocab.txt'), 'utf8')
  .split('\n')
  .slice(0, -1);

const texts = [
  'Flood hits city centre; three missing',
  'Naïve café owners, “unharmed”, say: don’t panic!',
  '北京 2024 news',
  'text [SEP] more [MASK]',
  'unbelievably long-winded, isn’t it?',
];

it("gives the ids of transformers.js' AutoTokenizer on short texts", async () => {
  process.env.ORT_DISABLE_TELEMETRY = '1'; // before the import loads onnxruntime
  const { AutoTokenizer, env } = await import('@huggingface/transformers');
  const { dir, remove } = temporaryFolder();
  try {
    writeFileSync(path.join(dir, 'tokenizer.json'), buildBertTokenizerJson(vocab));
    writeFileSync(
      path.join(dir, 'tokenizer_config.json'),
      '{"tokenizer_class": "DistilBertTokenizer", "do_lower_case": true}',
    );
    env.allowRemoteModels = false;
    env.localModelPath = path.dirname(dir);
    const theirs = await AutoTokenizer.from_pretrained(path.basename(dir), { local_files_only: true });
    const ours = await loadTokenizer(dir, defaultPreprocessing);
    expect(texts.map((text) => [...ours.encode(text)])).toEqual(texts.map((text) => theirs.encode(text)));
  } finally {
    remove();
  }
});
