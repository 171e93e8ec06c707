import {
  type AbstainBand,
  type Artifact,
  artifactFiles,
  CrosscheckError,
  decide,
  isCrosscheckError,
  sigmoid,
} from '@crosscheck/contract';
import { type DecodeOptions, Gate, loadTokenizer, openImage, type Tokenizer } from '@crosscheck/preprocess';
import { type ArtifactFolder, readArtifact, verifyHashes } from './artifact/read-artifact.ts';
import { type EncodedPost, MicroBatcher, NotDirect } from './batching/micro-batcher.ts';
import { type Cancellation, type CancellationOptions, openCancellation } from './cancellation.ts';
import { explainPost } from './explain/explain-post.ts';
import type { Explanation } from './explain/explanation.ts';
import { type Modality, type Prediction, partial, partsOf } from './parts.ts';
import { availableCores } from './runtime/available-cores.ts';
import { type Decoding, type DecodingOptions, type DecodingStats, openDecoding } from './runtime/decoding.ts';
import type { GraphCache } from './runtime/graph-cache.ts';
import { chooseLayout, type Layout, type LayoutOptions } from './runtime/layout.ts';
import { openWorkerPool, type WorkerPool } from './runtime/worker-pool.ts';
import { selfCheck } from './self-check.ts';
import { ClassifierStatistics, type HistogramSnapshot } from './statistics.ts';

/** A picture and its words; one may be missing where the artifact's `modalities` say so. */
export interface Post {
  /** Blank for none. */
  text: string;
  /** Encoded picture (JPEG, PNG, …) or the path of one; null for none. */
  image: Uint8Array | string | null;
}

export interface ClassifierOptions extends LayoutOptions, DecodingOptions {
  /** Folder that keeps graphs as onnxruntime rewrites them for this CPU, for the next start. @default null, none */
  graphCacheDir?: string | null;
  /** Posts that may be decoded or wait at the same time; the next one is refused. */
  maxQueue?: number;
  /** Explanations that may wait or be worked out at the same time; the next one is refused. They take no place of other posts. @default 8 */
  maxExplanations?: number;
  /** Explanations that are worked out at the same time. @default 1 */
  explanationsAtOnce?: number;
  /** Compare every file of the artifact with its sha256 (about 0.2 s for the full network). */
  verifyHashes?: boolean;
  /** Tokens per text, when fewer than the artifact's. */
  maxTokens?: number;
  /** In place of the artifact's own; FAKE iff probability > threshold. */
  threshold?: number;
  /** In place of the artifact's own, for those who ask for UNSURE. */
  abstainBand?: AbstainBand;
  /** In place of the artifact's own tokenizer.json: a file, or a folder with one. */
  tokenizer?: string;
  /** Pictures with more pixels are refused before they are decoded. */
  maxPixels?: number;
  /** Pictures with a shorter side are refused. */
  minSide?: number;
  /** Pictures with a file of another kind behind their end are refused. */
  refuseAppended?: boolean;
}

export type ClassifyOptions = CancellationOptions;

export interface ClassifierStats {
  /** Posts being decoded or waiting, and how many are allowed. */
  queueDepth: number;
  queueLimit: number;
  /** Explanations that wait or are worked out, and how many may. */
  explanations: number;
  explanationLimit: number;
  explanationsAtOnce: number;
  decoding: DecodingStats;
  workers: number;
  busyWorkers: number;
  threadsPerWorker: number;
  /** Since the start: answered, ended in an error, refused because the queue was full. An explanation counts as one post. */
  posts: number;
  failures: number;
  refused: number;
  batchSize: HistogramSnapshot;
  decodeSeconds: HistogramSnapshot;
  queueSeconds: HistogramSnapshot;
  inferenceSeconds: HistogramSnapshot;
}

export interface Classifier {
  readonly artifact: Artifact;
  readonly threshold: number;
  /** Where `withBand` answers UNSURE; null for a model that was not calibrated for it. */
  readonly abstainBand: AbstainBand | null;
  /**
   * Judges posts, in order. Posts of concurrent calls share batches. One bad post rejects the whole call, so callers that want
   * to keep the others call once per post.
   *
   * @throws CROSSCHECK_INFERENCE_QUEUE_FULL, CROSSCHECK_INFERENCE_TIMEOUT, CROSSCHECK_INFERENCE_CLOSED,
   * CROSSCHECK_INFERENCE_WORKER_CRASHED, CROSSCHECK_INFERENCE_RUN_FAILED, CROSSCHECK_IMAGE_UNREADABLE,
   * CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_TOO_SMALL, CROSSCHECK_IMAGE_POLYGLOT,
   * CROSSCHECK_IMAGE_TOO_COMPLEX, CROSSCHECK_IMAGE_OVER_BUDGET, CROSSCHECK_IMAGE_BUDGET_BUSY, CROSSCHECK_IMAGE_DECODER_ENDED,
   * CROSSCHECK_INFERENCE_POST_INCOMPLETE
   */
  classify(posts: readonly Post[], options?: ClassifyOptions): Promise<Prediction[]>;
  /**
   * Judges a post and says why: what each half of it contributes, a heat map over the picture and a weight for every word, by hiding parts and
   * judging again, about a hundred times. `explanationsAtOnce` of them are worked out at a time, and other posts are judged in between.
   *
   * @throws what `classify` throws
   */
  explain(post: Post, options?: ClassifyOptions): Promise<Explanation>;
  stats(): ClassifierStats;
  /** Takes no more posts, finishes those it has, ends the workers. */
  close(): Promise<void>;
}

/**
 * Opens an artifact folder for classification: checks it, loads it into worker threads and warms them up.
 *
 * @param location artifact folder, or the `.onnx` file inside one
 * @throws what `readArtifact` and `verifyHashes` throw, CROSSCHECK_ARTIFACT_MISMATCH, CROSSCHECK_INFERENCE_MODEL_UNLOADABLE
 * @example
 * const classifier = await openClassifier('artifacts/demo');
 * const [verdict] = await classifier.classify([{ text: 'A flood', image: 'flood.jpg' }]);
 */
export async function openClassifier(location: string, options: ClassifierOptions = {}): Promise<Classifier> {
  const folder = await readArtifact(location);
  const opened = await openFolder(folder, options, false);
  if (!opened.hasKeptGraph || (await passesSelfCheck(opened.open))) return opened.open();
  await opened.open().close();
  return (await openFolder(folder, options, true)).open();
}

/** A kept graph that judges otherwise than the model did at its export is not that model's, whatever its name says. */
async function passesSelfCheck(open: () => Classifier): Promise<boolean> {
  try {
    await selfCheck(open());
    return true;
  } catch (error) {
    return (
      !isCrosscheckError(error, 'CROSSCHECK_ARTIFACT_SELF_CHECK') &&
      !isCrosscheckError(error, 'CROSSCHECK_INFERENCE_RUN_FAILED')
    );
  }
}

interface OpenedFolder {
  hasKeptGraph: boolean;
  /** A classifier on the workers that were opened; one at a time. */
  open: () => Classifier;
}

async function openFolder(folder: ArtifactFolder, options: ClassifierOptions, anew: boolean): Promise<OpenedFolder> {
  const layout = chooseLayout(options, availableCores());
  let batcher: MicroBatcher | null = null;
  const loading = openWorkerPool({
    ...layout,
    modelFile: folder.modelFile,
    preprocessing: folder.artifact.preprocessing,
    graphCache: graphCacheOf(folder.artifact, options.graphCacheDir ?? null, anew),
    onChange: () => batcher?.dispatch(),
  });
  const [pool, tokenizer] = await bothOrNeither(loading, openChecked(folder, options));
  const open = () => {
    const statistics = new ClassifierStatistics();
    batcher = new MicroBatcher({ padId: tokenizer.padId, maxBatch: layout.maxBatch, statistics });
    batcher.attach(pool);
    return new PooledClassifier({ folder, tokenizer, statistics, batcher, pool, layout, options });
  };
  return { hasKeptGraph: pool.hasKeptGraph(), open };
}

function graphCacheOf({ sha256 }: Artifact, dir: string | null, anew: boolean): GraphCache | null {
  const model = [artifactFiles.onnx, artifactFiles.onnxData].map((file) => sha256[file]).join();
  return dir === null ? null : { dir, model, anew };
}

/** The model loads while everything else is read and checked; when one fails, the other must not linger. */
async function bothOrNeither<T>(pool: Promise<WorkerPool>, check: Promise<T>): Promise<[WorkerPool, T]> {
  const [opened, checked] = await Promise.allSettled([pool, check]);
  // A changed file explains a model that does not load, so its error goes first.
  if (checked.status === 'rejected') {
    if (opened.status === 'fulfilled') await opened.value.close();
    throw checked.reason;
  }
  if (opened.status === 'rejected') throw opened.reason;
  return [opened.value, checked.value];
}

async function openChecked(folder: ArtifactFolder, options: ClassifierOptions): Promise<Tokenizer> {
  const tokenizer = await openTokenizer(folder, options);
  if (options.verifyHashes !== false) await verifyHashes(folder);
  return tokenizer;
}

async function openTokenizer(
  { artifact, tokenizerFile }: ArtifactFolder,
  options: ClassifierOptions,
): Promise<Tokenizer> {
  const { preprocessing, architecture } = artifact;
  const maxTokens = Math.min(preprocessing.maxTokens, options.maxTokens ?? preprocessing.maxTokens);
  const source = options.tokenizer ?? tokenizerFile;
  const tokenizer = await loadTokenizer(source, { ...preprocessing, maxTokens });
  const { vocabSize } = architecture.text;
  if (tokenizer.vocabSize <= vocabSize) return tokenizer;
  const message = `${source} has ${tokenizer.vocabSize} tokens, the model knows ${vocabSize}; use the tokenizer that the model was trained with`;
  throw new CrosscheckError('CROSSCHECK_ARTIFACT_MISMATCH', message);
}

interface Parts {
  folder: ArtifactFolder;
  tokenizer: Tokenizer;
  statistics: ClassifierStatistics;
  batcher: MicroBatcher;
  pool: WorkerPool;
  layout: Layout;
  options: ClassifierOptions;
}

class PooledClassifier implements Classifier {
  readonly artifact: Artifact;
  readonly threshold: number;
  readonly abstainBand: AbstainBand | null;
  readonly #parts: Parts;
  readonly #maxQueue: number;
  readonly #decoding: Decoding;
  readonly #maxExplanations: number;
  readonly #explainers: Gate;
  readonly #pending = new Set<Promise<unknown>>();
  /** Posts that are decoded or wait; those inside a worker no longer count. */
  #admitted = 0;
  #explanations = 0;
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.artifact = parts.folder.artifact;
    this.threshold = parts.options.threshold ?? this.artifact.threshold;
    this.abstainBand = parts.options.abstainBand ?? this.artifact.abstainBand ?? null;
    this.#maxQueue = parts.options.maxQueue ?? 128;
    this.#maxExplanations = parts.options.maxExplanations ?? 8;
    this.#explainers = new Gate(parts.options.explanationsAtOnce ?? 1);
    this.#decoding = openDecoding(parts.options);
  }

  async classify(posts: readonly Post[], options: ClassifyOptions = {}): Promise<Prediction[]> {
    this.#admit(posts.length);
    return this.#cancellable(options, ({ signal }) =>
      Promise.all(posts.map((post) => this.#track(this.#classifyOne(post, signal)))),
    );
  }

  async explain(post: Post, options: ClassifyOptions = {}): Promise<Explanation> {
    this.#admitExplanation();
    return this.#cancellable(options, (cancellation) => this.#track(this.#explainOne(post, cancellation)));
  }

  async #cancellable<T>(options: CancellationOptions, work: (cancellation: Cancellation) => Promise<T>): Promise<T> {
    const cancellation = openCancellation(options);
    try {
      return await Promise.race([work(cancellation), cancellation.cancelled]);
    } catch (error) {
      cancellation.abort(error);
      throw error;
    } finally {
      cancellation.close();
    }
  }

  #admit(count: number): void {
    this.#requireOpen();
    if (this.#admitted + count > this.#maxQueue)
      throw this.#refuse(
        count,
        `${this.#admitted} posts wait already and ${count} more would pass the limit of ${this.#maxQueue}; try again later, or send fewer at once`,
      );
    this.#admitted += count;
  }

  #admitExplanation(): void {
    this.#requireOpen();
    if (this.#explanations >= this.#maxExplanations)
      throw this.#refuse(1, `${this.#explanations} explanations wait already, which is the limit; try again later`);
    this.#explanations++;
  }

  #requireOpen(): void {
    if (this.#closing)
      throw new CrosscheckError('CROSSCHECK_INFERENCE_CLOSED', 'the classifier was closed; open it again');
  }

  #refuse(posts: number, message: string): CrosscheckError {
    this.#parts.statistics.refused += posts;
    return new CrosscheckError('CROSSCHECK_INFERENCE_QUEUE_FULL', message);
  }

  #classifyOne(post: Post, signal: AbortSignal): Promise<Prediction> {
    return this.#count(async () => {
      const has = partsOf(post, this.artifact.modalities);
      return { ...this.#judge(await this.#computeLogit(post, has, signal)), ...partial(has) };
    });
  }

  async #count<T>(work: () => Promise<T>): Promise<T> {
    const { statistics } = this.#parts;
    try {
      const result = await work();
      statistics.posts++;
      return result;
    } catch (error) {
      statistics.failures++;
      throw error;
    }
  }

  /** A failed part ends the whole, so the parts that still wait must leave the line with it. */
  async #explainOne(post: Post, { signal, abort }: Cancellation): Promise<Explanation> {
    const { tokenizer, batcher, layout } = this.#parts;
    const context = {
      tokenizer,
      preprocessing: this.artifact.preprocessing,
      modalities: this.artifact.modalities,
      temperature: this.artifact.temperature,
      width: 2 * layout.workers * layout.maxBatch,
      computeLogit: (part: EncodedPost) => batcher.push(part, { signal, onTaken: () => {} }),
      judge: (logit: number) => this.#judge(logit),
    };
    try {
      return await this.#count(async () => {
        const has = partsOf(post, this.artifact.modalities);
        const { text, image } = post;
        const pixels = image === null ? null : await this.#openAndDecode(image, signal);
        const decoded = { text, hasText: has.text, pixels };
        const explanation = await this.#explainers.pass(() => explainPost(decoded, context));
        return { ...explanation, prediction: { ...explanation.prediction, ...partial(has) } };
      });
    } catch (error) {
      abort(error);
      throw error;
    } finally {
      this.#explanations--;
    }
  }

  async #computeLogit(post: Post, has: Record<Modality, boolean>, signal: AbortSignal): Promise<number> {
    const { tokenizer, batcher } = this.#parts;
    let admitted = true;
    const release = () => {
      if (admitted) this.#admitted--;
      admitted = false;
    };
    try {
      signal.throwIfAborted();
      const tokenIds = tokenizer.encode(post.text);
      const push = (picture: EncodedPost['picture']) =>
        batcher.push({ picture, tokenIds, hasText: has.text }, { signal, onTaken: release });
      const picture = await this.#openPicture(post, signal);
      return await push(picture).catch(async (error: unknown) => {
        if (!(error instanceof NotDirect) || picture?.form !== 'file') throw error;
        return push({ form: 'pixels', bytes: await this.#decode(picture.bytes, picture.options, signal) });
      });
    } finally {
      release();
    }
  }

  /** The file of a picture that decodes quickly, for the workers to decode; of another one the pixels. */
  async #openPicture({ image }: Post, signal: AbortSignal): Promise<EncodedPost['picture']> {
    if (image === null) return null;
    const { bytes, isDirect, options } = await this.#openFile(image, signal);
    if (isDirect) return { form: 'file', bytes, options };
    return { form: 'pixels', bytes: await this.#decode(bytes, options, signal) };
  }

  async #openAndDecode(image: Uint8Array | string, signal: AbortSignal): Promise<Uint8Array> {
    const { bytes, options } = await this.#openFile(image, signal);
    return this.#decode(bytes, options, signal);
  }

  async #openFile(image: Uint8Array | string, signal: AbortSignal) {
    const options = this.#decodeOptions(image);
    const opened = await openImage(image, options);
    signal.throwIfAborted();
    return { ...opened, options: { ...options, refuseAppended: false } }; // it was just looked at
  }

  #decodeOptions(image: Uint8Array | string): DecodeOptions {
    const { maxPixels, minSide, refuseAppended } = this.#parts.options;
    const name = typeof image === 'string' ? image : 'image';
    return { size: this.artifact.preprocessing.imageSize, name, maxPixels, minSide, refuseAppended };
  }

  /** @returns [S, S, 3] */
  async #decode(image: Uint8Array, options: DecodeOptions, signal: AbortSignal): Promise<Uint8Array> {
    const startedAt = performance.now();
    const pixels = await this.#decoding.decode(image, options, signal);
    this.#parts.statistics.decodeSeconds.observe((performance.now() - startedAt) / 1000);
    signal.throwIfAborted();
    return pixels;
  }

  #judge(logit: number): Prediction {
    const probabilityFake = sigmoid(logit / this.artifact.temperature);
    return { ...decide(probabilityFake, this.threshold), probabilityFake, logit };
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    const done = () => void this.#pending.delete(work);
    work.then(done, done);
    return work;
  }

  stats(): ClassifierStats {
    const { statistics, pool, batcher, layout } = this.#parts;
    return {
      queueDepth: this.#admitted,
      queueLimit: this.#maxQueue,
      explanations: this.#explanations,
      explanationLimit: this.#maxExplanations,
      explanationsAtOnce: this.#explainers.width,
      decoding: this.#decoding.stats(),
      workers: pool.alive(),
      busyWorkers: batcher.running,
      threadsPerWorker: layout.threads,
      posts: statistics.posts,
      failures: statistics.failures,
      refused: statistics.refused,
      batchSize: statistics.batchSize.snapshot(),
      decodeSeconds: statistics.decodeSeconds.snapshot(),
      queueSeconds: statistics.queueSeconds.snapshot(),
      inferenceSeconds: statistics.inferenceSeconds.snapshot(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    this.#decoding.close();
    await this.#parts.pool.close();
  }
}
