// Entry of a process that does nothing but run the model: `bare-loop.ts '{"modelFile":…}'` prints posts per second. What a service could
// answer if requests cost nothing; and pictures, unless `posts` says otherwise.
import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { defaultPreprocessing } from '@crosscheck/contract';
import { type ModelInputs, openOnnxSession } from '@crosscheck/inference';
import { decodeImage, normalizeImage } from '@crosscheck/preprocess';
import { titleLengths } from '../training/samples.ts';
import { readPosts } from './posts.ts';

export interface BareLoopOptions {
  modelFile: string;
  workers: number;
  threadsPerWorker: number;
  /** Posts in a batch, at most. */
  batch: number;
  /** Of every post; null = as titles have them, with neighbours in length sharing a batch. */
  tokens: number | null;
  seconds: number;
  /** Folder with posts.json: decode a picture for every post. Null = the same numbers again and again. */
  posts: string | null;
}

const side = defaultPreprocessing.imageSize;
const warmUpRounds = 2;

async function runWorker({ modelFile, threadsPerWorker, seconds, posts, ...shape }: BareLoopOptions): Promise<number> {
  const session = await openOnnxSession(modelFile, { threads: threadsPerWorker, preprocessing: defaultPreprocessing });
  const batches = drawBatches(shape);
  const pictures = posts === null ? null : readPosts(posts).map(({ image }) => readFileSync(image));
  const run = async (batch: ModelInputs) => {
    if (pictures) await fillIn(batch, pictures);
    await session.run(batch);
  };
  for (let i = 0; i < warmUpRounds * batches.length; i++) await run(batches[i % batches.length] as ModelInputs);
  await rendezvous();
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  let count = 0;
  // Whole rounds only, so that every length counts equally.
  while (elapsed() < seconds) for (const batch of batches) count += (await run(batch), batch.size);
  return count / elapsed();
}

/** Threads start together, and stop within a round of one another. */
function rendezvous(): Promise<void> {
  parentPort?.postMessage('ready');
  return new Promise((resolve) => parentPort?.once('message', () => resolve()));
}

function drawBatches({ batch, tokens }: Pick<BareLoopOptions, 'batch' | 'tokens'>): ModelInputs[] {
  const groups = tokens === null ? groupLengths(batch) : [Array.from({ length: batch }, () => tokens)];
  const image = Float32Array.from({ length: batch * 3 * side * side }, (_, i) => Math.sin(i));
  return groups.map((lengths) => {
    const [size, length] = [lengths.length, Math.max(...lengths)];
    const inputIds = Int32Array.from({ length: size * length }, (_, at) => 1000 + (at % 4000));
    const attentionMask = new Int32Array(size * length).fill(1);
    return { size, length, image: image.subarray(0, size * 3 * side * side), inputIds, attentionMask };
  });
}

/** Titles by length, cut where a batch is full or padding would cost more than starting another. */
function groupLengths(limit: number): number[][] {
  const groups: number[][] = [[]];
  for (const length of [...titleLengths(64)].sort((a, b) => a - b)) {
    const group = groups.at(-1) as number[];
    const fits = length <= Math.max(4, 0.15 * length) + (group[0] ?? length);
    if (fits && group.length < limit) group.push(length);
    else groups.push([length]);
  }
  return groups;
}

let next = 0;

async function fillIn({ size, image }: ModelInputs, pictures: readonly Buffer[]): Promise<void> {
  const taken = Array.from({ length: size }, () => pictures[next++ % pictures.length] as Buffer);
  const decoded = await Promise.all(taken.map((bytes) => decodeImage(bytes, { size: side })));
  decoded.forEach((pixels, i) => normalizeImage(pixels, defaultPreprocessing, 'nchw', image, i * pixels.length));
}

async function runAll(options: BareLoopOptions): Promise<number> {
  const workers = Array.from(
    { length: options.workers },
    () => new Worker(new URL(import.meta.url), { workerData: options }),
  );
  const replies = <T>() =>
    Promise.all(workers.map((worker) => new Promise<T>((resolve) => worker.once('message', resolve))));
  await replies();
  const rates = replies<number>();
  for (const worker of workers) worker.postMessage('start');
  return (await rates).reduce((sum, rate) => sum + rate, 0);
}

if (isMainThread) {
  process.stdout.write(String(await runAll(JSON.parse(process.argv[2] as string) as BareLoopOptions)));
  process.exit();
} else {
  parentPort?.postMessage(await runWorker(workerData as BareLoopOptions));
}
