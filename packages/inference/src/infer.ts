import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { InferenceConfig, Run } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { collectLessOften } from '@crosscheck/preprocess';
import { requireBand, withBand } from './abstaining.ts';
import { resolveArtifact } from './artifact/resolve-artifact.ts';
import { classifyFile } from './batch-file/classify-file.ts';
import type { JudgedRow } from './batch-file/judge-row.ts';
import { openProgress } from './batch-file/progress.ts';
import { requireEnough, summaryLines } from './batch-file/summary.ts';
import { type Classifier, type ClassifierOptions, openClassifier } from './classifier.ts';
import { reportExplanation } from './explain/report.ts';
import { type Prediction } from './parts.ts';
import { availableCores } from './runtime/available-cores.ts';
import { graphCacheFolder } from './runtime/graph-cache.ts';

type Inference = InferenceConfig['inference'];

/** Job of `pnpm infer`: prints what the original's `inference.py` prints. */
export async function infer(run: Run<InferenceConfig>): Promise<void> {
  collectLessOften();
  const { inference, data } = run.config;
  const { image_path: image } = inference.single;
  if (inference.mode === 'single' && image !== null) await requireFile(image);
  const { tokenizer } = inference.text;
  const location = await resolveArtifact(inference.checkpoint.path, { tokenizer, log: (message) => run.warn(message) });
  const classifier = await openClassifier(location, classifierOptions(inference));
  try {
    warnAboutIgnored(inference, classifier, run);
    const failed = await (inference.mode === 'single'
      ? inferSingle(classifier, inference, run.runDir)
      : inferBatch(classifier, inference, data));
    if (inference.output.verbose)
      print(failed > 0 ? `Inference completed: ${failed} rows failed` : 'Inference completed successfully!');
  } finally {
    await classifier.close();
  }
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  const message = `expected a picture at ${path.resolve(file)}, found ${found ? 'something else' : 'nothing'}; set inference.single.image_path`;
  throw new CrosscheckError('CROSSCHECK_INFER_INPUT_NOT_FOUND', message);
}

/** 32 rows per call took 23 % more processor time and twice the memory of 8, 8 took 3 % more than 4; a larger batch_size still widens what is in flight. */
const largestUsefulBatch = 4;

/** How `inference.*` opens the classifier. */
export function classifierOptions({
  mode,
  output,
  text,
  explain,
  checkpoint,
  image,
  batch_processing,
}: Inference): ClassifierOptions {
  const optional = {
    maxDecodedBytes: image.max_decoded_bytes,
    decodeWorkMs: image.decode_ms,
    graphCacheDir: checkpoint.graph_cache ? graphCacheFolder() : null,
    ...(output.threshold === null ? {} : { threshold: output.threshold }),
    ...(output.abstain_band === null
      ? {}
      : { abstainBand: { low: output.abstain_band[0], high: output.abstain_band[1] } }),
    ...(text.tokenizer === null ? {} : { tokenizer: text.tokenizer }),
    ...(text.max_length === null ? {} : { maxTokens: text.max_length }),
  };
  // A lone post is answered fastest by one worker with every core; explaining it takes a hundred posts.
  if (mode === 'single')
    return {
      ...optional,
      workers: 1,
      maxBatch: explain ? largestUsefulBatch : 1,
      decoderProcesses: 1,
      quickDecoders: 1,
    };
  const { batch_size, num_workers } = batch_processing;
  const maxBatch = Math.min(batch_size, largestUsefulBatch);
  const quickDecoders = Math.max(1, num_workers);
  const decoderProcesses = Math.min(quickDecoders, availableCores() + 1);
  return { ...optional, maxBatch, decoderProcesses, quickDecoders, maxQueue: Number.POSITIVE_INFINITY };
}

function warnAboutIgnored(
  { mode, explain, checkpoint, image, text }: Inference,
  { artifact: { preprocessing } }: Classifier,
  { warn }: Pick<Run<InferenceConfig>, 'warn'>,
) {
  const { imageSize, maxTokens } = preprocessing;
  if (explain && mode === 'batch')
    warn('inference.explain=true is ignored: set inference.mode=single, one post at a time');
  if (checkpoint.device === 'cuda') warn('inference.checkpoint.device=cuda: onnxruntime runs on the CPU here');
  if (image.size !== null && image.size !== imageSize)
    warn(`inference.image.size=${image.size} is ignored: the network was trained on pictures of ${imageSize} pixels`);
  if (text.max_length !== null && text.max_length > maxTokens)
    warn(
      `inference.text.max_length=${text.max_length} is ignored: the network was trained on texts of ${maxTokens} tokens`,
    );
}

async function inferSingle(
  classifier: Classifier,
  { single, output, explain }: Inference,
  runDir: string,
): Promise<number> {
  const { image_path: image, text } = single;
  const band = output.abstain ? requireBand(classifier) : null;
  const explanation = explain ? await classifier.explain({ text, image }) : null;
  const judged = explanation?.prediction ?? ((await classifier.classify([{ text, image }]))[0] as Prediction);
  const prediction = withBand(judged, band);
  if (output.verbose) {
    print('=== Single Sample Prediction ===');
    print(`Image: ${image ?? 'none'}`);
    print(`Text: ${shorten(text, 100)}`);
    print('=== Results ===');
  }
  print(`Prediction: ${prediction.prediction}`);
  if (judged.modalities) print(`Judged by: ${judged.modalities.join(' and ')} alone`);
  if (output.save_probabilities) print(`Probability (Fake): ${prediction.probabilityFake.toFixed(4)}`);
  if (output.save_confidence) print(`Confidence: ${prediction.confidence.toFixed(4)}`);
  if (explanation) for (const line of await reportExplanation(explanation, { image, dir: runDir, band })) print(line);
  return 0;
}

/** @returns rows that failed */
async function inferBatch(
  classifier: Classifier,
  { batch, output, batch_processing }: Inference,
  data: InferenceConfig['data'],
): Promise<number> {
  const firstRows: JudgedRow[] = [];
  const progress = await openProgress(batch.csv_file, batch.n_rows);
  const summary = await classifyFile(classifier, {
    inputFile: batch.csv_file,
    outputFile: batch.output_file,
    encoding: data.encoding,
    delimiter: data.delimiter,
    labels: data.labels,
    rootDir: batch.root_dir ?? path.dirname(batch.csv_file),
    allowOutsideRoot: batch.allow_outside_root,
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    nRows: batch.n_rows,
    resume: batch.resume,
    onResumed: (rows) => progress.note(`going on after ${rows} rows`),
    width: 2 * batch_processing.batch_size * classifier.stats().workers,
    columns: { probability: output.save_probabilities, confidence: output.save_confidence },
    abstain: output.abstain,
    onProblem: ({ line, message }) => progress.note(`${batch.csv_file}:${line}: ${message}`),
    onRow: (row) => {
      if (firstRows.length < shownRows) firstRows.push(row);
      progress.advance(row.bytes);
    },
  }).finally(() => progress.close());
  for (const line of summaryLines(summary, { outputFile: batch.output_file, nRows: batch.n_rows })) print(line);
  if (output.verbose) for (const row of firstRows) print(describeRow(row));
  requireEnough(summary, {
    code: 'CROSSCHECK_INFER_ROWS_FAILED',
    key: 'inference.batch.max_failed_share',
    maxFailedShare: batch.max_failed_share,
    output: batch.output_file,
  });
  return summary.failed;
}

/** As many as the original shows. */
const shownRows = 10;

function describeRow({ text, image, prediction }: JudgedRow): string {
  const verdict = prediction ? `${prediction.prediction} ${prediction.probabilityFake.toFixed(4)}` : 'ERROR      ';
  return `${verdict}  ${image}  ${shorten(text.replaceAll(/\s+/g, ' '), 60)}`;
}

function shorten(text: string, characters: number): string {
  const points = Array.from(text);
  return points.length <= characters ? text : `${points.slice(0, characters).join('')}...`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
