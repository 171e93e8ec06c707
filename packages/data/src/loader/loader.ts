import { setImmediate } from 'node:timers/promises';
import { type Batch, CrosscheckError, type Preprocessing } from '@crosscheck/contract';
import { padTokenIds, type Tokenizer } from '@crosscheck/preprocess';
import type { Augmentation } from '../augment/augment.ts';
import type { PixelCacheOptions } from '../cache/pixel-cache.ts';
import type { Sample } from '../manifest/rows.ts';
import { type OnBadSample, problemsError, type SampleProblem } from '../problems.ts';
import { type ImageSource, openImageSource } from './image-source.ts';
import type { LoadedImages } from './load-images.ts';
import { countBatches, countSamples, epochOrder } from './order.ts';

export interface LoaderOptions {
  samples: readonly Sample[];
  tokenizer: Tokenizer;
  preprocessing: Preprocessing;
  batchSize: number;
  /** A new order in every epoch, fixed by (seed, epoch). */
  shuffle: boolean;
  seed: number;
  /** Every label equally often in an epoch: samples of rarer labels repeat. @default false */
  balanced?: boolean;
  /** Token length of a batch = its longest text, rounded up to a multiple of this (and at most `maxTokens`). @default 8 */
  lengthMultiple?: number;
  /** Null for evaluation. */
  augmentation: Augmentation | null;
  /** A picture that cannot be decoded is left out of its batch and counted, or stops the epoch. @default 'error' */
  onBadSample?: OnBadSample;
  /** Batches say which posts have no picture or no words (their pixels are 0, their tokens those of a blank text). @default false */
  partialPosts?: boolean;
  /** Threads that decode ahead; 0 decodes in the calling thread. @default 0 */
  workers?: number;
  /** Leave out the last batch when it is not full. @default false */
  dropLast?: boolean;
  /** Refuse pictures with more pixels than this. */
  maxPixels?: number;
  /** Keeps decoded pictures on disk, so that later epochs decode nothing. @default null */
  pixelCache?: PixelCacheOptions | null;
  /** Hears, once each, what should be known and stops nothing: a damaged picture in the cache, a cache that cannot be written. */
  warn?: (line: string) => void;
}

/** A batch and its place in the epoch; resume behind it with `batches(epoch, position + 1)`. */
export interface LoadedBatch extends Batch {
  position: number;
}

/** Whether a batch is wanted, by its place in the epoch. */
export type Takes = (position: number) => boolean;

export interface Loader {
  /** Samples. */
  size: number;
  batchesPerEpoch: number;
  /** Pictures that could not be decoded so far, each once. */
  problems: SampleProblem[];
  /**
   * The batches of one epoch from `startBatch` on. A batch without a single readable picture is left out. Of batches that others `take`,
   * nothing is read; whether any picture can be read is then for them all to find out.
   */
  batches(epoch: number, startBatch?: number, takes?: Takes): AsyncGenerator<LoadedBatch, void, undefined>;
  /** Stops the worker threads; call it once no generator is in use. */
  close(): Promise<void>;
}

/**
 * Turns samples into batches. Their content and order depend on (samples, options, epoch, batch position) and nothing else:
 * not on the number of workers, on what was cached, or on where the epoch was entered.
 *
 * @throws CROSSCHECK_DATA_NO_SAMPLES, CROSSCHECK_DATA_BAD_OPTION; while iterating CROSSCHECK_IMAGE_… of the picture when
 * `onBadSample` is `error`, CROSSCHECK_DATA_WORKER_DIED
 * @example for await (const batch of loader.batches(epoch)) step(batch);
 */
export function createLoader(options: LoaderOptions): Loader {
  checkOptions(options);
  const { samples, preprocessing, workers = 0, pixelCache = null } = options;
  const { augmentation, seed, maxPixels } = options;
  const state: LoaderState = {
    options,
    source: openImageSource({ preprocessing, augmentation, seed, maxPixels, pixelCache }, workers),
    problems: createProblemLog(options),
    warn: onceEach(options.warn),
    // Two batches per worker: one in the making, one that waits for it.
    ahead: Math.max(1, 2 * workers),
  };
  return {
    size: samples.length,
    batchesPerEpoch: countBatches(
      countSamples(labelsOf(samples), options),
      options.batchSize,
      options.dropLast ?? false,
    ),
    problems: state.problems.list,
    batches: (epoch, startBatch = 0, takes) => iterateBatches(state, { epoch, startBatch, takes }),
    close: () => state.source.close(),
  };
}

interface LoaderState {
  options: LoaderOptions;
  source: ImageSource;
  problems: ProblemLog;
  warn: (lines: readonly string[]) => void;
  ahead: number;
}

function onceEach(say: (line: string) => void = () => {}): (lines: readonly string[]) => void {
  const said = new Set<string>();
  return (lines) => {
    for (const line of lines) if (!said.has(line)) say(line);
    for (const line of lines) said.add(line);
  };
}

async function* iterateBatches(
  state: LoaderState,
  { epoch, startBatch, takes }: { epoch: number; startBatch: number; takes: Takes | undefined },
): AsyncGenerator<LoadedBatch, void, undefined> {
  const { samples, batchSize, dropLast = false } = state.options;
  const order = epochOrder(labelsOf(samples), epoch, state.options);
  const count = countBatches(order.length, batchSize, dropLast);
  const queue: { indices: Int32Array; position: number; loading: Promise<LoadedImages> }[] = [];
  let next = startBatch;
  const fillQueue = () => {
    for (; queue.length < state.ahead && next < count; next++) {
      if (takes && !takes(next)) continue;
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      const loading = loadPixels(state, indices, epoch);
      // Whoever stops iterating must not be told about batches that were under way.
      loading.catch(() => {});
      queue.push({ indices, position: next, loading });
    }
  };
  let yielded = 0;
  fillQueue();
  for (let entry = queue.shift(); entry; entry = queue.shift()) {
    const loaded = await entry.loading;
    // Batches that come from a cache come without a pause: signals and timers get their turn here.
    await setImmediate();
    fillQueue();
    state.warn(loaded.warnings);
    state.problems.report(entry.indices, loaded);
    if (loaded.positions.length === 0) continue;
    yielded++;
    yield assembleBatch(state.options, entry.indices, loaded, entry.position);
  }
  if (yielded === 0 && startBatch === 0 && !takes) throw noReadablePicture(samples.length);
}

const labelsOf = (samples: readonly Sample[]) => samples.map(({ label }) => label);

function loadPixels({ options, source }: LoaderState, indices: Int32Array, epoch: number): Promise<LoadedImages> {
  const images = Array.from(indices, (index) => ({ index, path: (options.samples[index] as Sample).imagePath }));
  return source.load({ epoch, images });
}

// oxlint-disable-next-line max-params -- the four things a batch is made of
function assembleBatch(options: LoaderOptions, all: Int32Array, loaded: LoadedImages, position: number): LoadedBatch {
  const { tokenizer, samples, preprocessing, lengthMultiple = 8 } = options;
  const indices = Int32Array.from(loaded.positions, (row) => all[row] as number);
  const rows = Array.from(indices, (index) => tokenizer.encode((samples[index] as Sample).text));
  const longest = Math.max(...rows.map((row) => row.length));
  const rounded = Math.min(preprocessing.maxTokens, Math.ceil(longest / lengthMultiple) * lengthMultiple);
  const { inputIds, attentionMask, length } = padTokenIds(rows, tokenizer.padId, rounded); // [B, L]
  // NaN poisons every loss it touches: an unlabelled post cannot be trained on by accident.
  const label = Float32Array.from(indices, (index) => (samples[index] as Sample).label ?? Number.NaN); // [B, 1]
  const tensors = { image: loaded.image, inputIds, attentionMask, label, indices };
  const { imageSize } = preprocessing;
  return { size: indices.length, length, imageSize, ...tensors, ...presence(options, indices), position };
}

function presence({ samples, partialPosts = false }: LoaderOptions, indices: Int32Array): Partial<Batch> {
  const mark = (part: 'imagePath' | 'text') =>
    Float32Array.from(indices, (index) => ((samples[index] as Sample)[part].trim() === '' ? 0 : 1)); // [B]
  return partialPosts ? { hasImage: mark('imagePath'), hasText: mark('text') } : {};
}

interface ProblemLog {
  list: SampleProblem[];
  report(indices: Int32Array, loaded: LoadedImages): void;
}

function createProblemLog({ samples, onBadSample = 'error' }: LoaderOptions): ProblemLog {
  const list: SampleProblem[] = [];
  const reported = new Set<number>();
  return {
    list,
    report(indices, { failures }) {
      const problems = failures.map(({ position, code, message }) => {
        const index = indices[position] as number;
        const { file, line, row } = samples[index] as Sample;
        return { index, problem: { file, line, code, message: `${file}:${line}: ${message}`, row } };
      });
      if (problems.length > 0 && onBadSample === 'error') throw problemsError(problems.map(({ problem }) => problem));
      for (const { index, problem } of problems) {
        if (!reported.has(index)) list.push(problem);
        reported.add(index);
      }
    },
  };
}

function checkOptions({ samples, batchSize, workers = 0, lengthMultiple = 8 }: LoaderOptions): void {
  if (samples.length === 0)
    throw new CrosscheckError('CROSSCHECK_DATA_NO_SAMPLES', 'expected at least one sample, got an empty list');
  const least = { batchSize: [batchSize, 1], workers: [workers, 0], lengthMultiple: [lengthMultiple, 1] } as const;
  for (const [name, [value, minimum]] of Object.entries(least)) {
    if (Number.isInteger(value) && value >= minimum) continue;
    throw new CrosscheckError(
      'CROSSCHECK_DATA_BAD_OPTION',
      `${name} must be a whole number of at least ${minimum}, got ${value}`,
    );
  }
}

/** Of a whole epoch. */
export function noReadablePicture(count: number): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `none of the ${count} pictures could be read; see the problems listed before`,
  );
}
