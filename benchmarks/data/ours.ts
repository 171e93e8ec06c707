// Epochs of decoded, augmented and normalised batches from our loader; answers as peers/loading.py does.
//
//   node data/ours.ts SAMPLES.json BATCH_SIZE WORKERS CACHE_FOLDER
//
// CACHE_FOLDER keeps decoded pictures; - = none.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { defaultPreprocessing } from '@crosscheck/contract';
import { createLoader, defaultAugmentation, type Sample } from '@crosscheck/data';
import { buildBertTokenizerJson, collectLessOften, createTokenizer } from '@crosscheck/preprocess';

const [file = '', batchSize = '16', workers = '2', cache = '-'] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(file, 'utf8')) as Sample[];
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'post'];
collectLessOften(); // as `pnpm train` does
const loader = createLoader({
  samples,
  tokenizer: createTokenizer(buildBertTokenizerJson(vocabulary), defaultPreprocessing),
  preprocessing: defaultPreprocessing,
  batchSize: Number(batchSize),
  workers: Number(workers),
  shuffle: true,
  seed: 1,
  augmentation: defaultAugmentation,
  pixelCache: cache === '-' ? null : { dir: cache, maxBytes: 2 ** 32 },
});

const answer = (content: object) => process.stdout.write(`${JSON.stringify(content)}\n`);

answer({ ready: true, version: `node ${process.version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const [start, startOfWork] = [performance.now(), process.cpuUsage()];
  let count = 0;
  for await (const batch of loader.batches(Number(line))) count += batch.size;
  const { user, system } = process.cpuUsage(startOfWork);
  answer({ seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, count });
}
await loader.close();
answer({ peakBytes: process.resourceUsage().maxRSS * 1024 });
