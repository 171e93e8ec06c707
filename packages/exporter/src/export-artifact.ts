import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type Artifact,
  artifactFiles,
  type CheckpointMetadata,
  CrosscheckError,
  decisionOf,
  type Operators,
  throwIfStopped,
} from '@crosscheck/contract';
import type { Model } from '@crosscheck/engine';
import { sha256OfFile } from '@crosscheck/files';
import { parameterNames } from '@crosscheck/network';
import { loadTokenizer } from '@crosscheck/preprocess';
import { type Checkpoint, checkTensors, openCheckpoint } from '@crosscheck/weights';
import type { ArtifactContent } from './artifact/artifact-content.ts';
import { replaceFolder } from './artifact/replace-folder.ts';
import { writeArtifactFiles, writeManifest, writeModelCard } from './artifact/write-artifact.ts';
import { supportedOpsets } from './onnx/encode.ts';
import type { ParityReport } from './parity/check-parity.ts';
import type { ComparisonReport } from './parity/compare-artifacts.ts';
import { measureFolder } from './parity/measure-folder.ts';
import { type Gate, openGate } from './parity/open-gate.ts';
import { type ExportPosts, variants, writeVariant } from './quantize/write-variant.ts';

export interface ExportOptions {
  /** Path of a checkpoint that `pnpm train` wrote. */
  checkpoint: string;
  /** The checkpoint's network where it is open already: it answers in the place of one that would be opened beside it. */
  trained?: Pick<Model, 'predictLogits'>;
  /** The artifact folder to make or to replace. */
  outputDir: string;
  /** In place of the checkpoint's own tokenizer: tokenizer.json, vocab.txt or a folder with one of them. */
  tokenizer?: string | null;
  /** Told what a checkpoint that says nothing about itself is taken to be; without it such a checkpoint is refused. */
  assume?: () => Promise<CheckpointMetadata>;
  /** What 1 means in such a checkpoint. */
  positiveClass?: 'fake' | 'real';
  /** fp32 (default), fp16 or int8. */
  precision?: string;
  /** Posts that another precision than fp32 is made with and compared on, and that every artifact is measured on. */
  readPosts?: () => Promise<ExportPosts>;
  /** Largest mean |Δp| of another precision against fp32. @default 0.01 */
  maxProbabilityDifference?: number;
  /** ONNX operator set, 18 to 23. */
  opset?: number;
  /** ONNX's own operators (default), or fused ones that only onnxruntime knows. */
  operators?: Operators;
  /** Told what is being done. */
  onProgress?: (step: string) => void;
}

export interface ExportReport {
  /** Absolute path of the artifact folder. */
  dir: string;
  artifact: Artifact;
  /** The same numbers into the trained network and the ONNX file. */
  parity: ParityReport;
  /** The same posts into the trained network and a classifier that opened the folder (of another precision: the fp32 one). */
  served: ParityReport;
  /** What another precision than fp32 changes; null for fp32. */
  comparison: ComparisonReport | null;
  /** Size of all files. */
  bytes: number;
}

/**
 * Turns a checkpoint into an artifact folder: ONNX graph and weights, tokenizer, preprocessing, model card, `artifact.json`. The
 * exported network must agree with the trained one on fixed samples; when anything fails, the output folder stays as it was.
 *
 * @throws CROSSCHECK_EXPORT_PARITY, CROSSCHECK_EXPORT_PRECISION_UNSUPPORTED, CROSSCHECK_EXPORT_PRECISION_LOSS,
 * CROSSCHECK_EXPORT_POSTS_MISSING, CROSSCHECK_EXPORT_OPSET_UNSUPPORTED,
 * CROSSCHECK_EXPORT_METADATA_MISSING, CROSSCHECK_EXPORT_TOKENIZER_MISSING, CROSSCHECK_EXPORT_TOKENIZER_MISMATCH,
 * CROSSCHECK_EXPORT_OUTPUT_OCCUPIED, CROSSCHECK_WEIGHTS_NOT_FOUND, CROSSCHECK_WEIGHTS_CORRUPT, CROSSCHECK_WEIGHTS_MISMATCH
 */
export async function exportArtifact(given: ExportOptions): Promise<ExportReport> {
  const options = { ...given, onProgress: (step: string) => reachStep(step, given) };
  const opset = checkVariant(options);
  const { assume, positiveClass = 'fake' } = options;
  const opened = await openCheckpoint(options.checkpoint, { positiveClass });
  try {
    const checkpoint = { ...opened, metadata: opened.metadata ?? (await assume?.()) ?? null };
    const { tokenizer = null, operators = 'standard' } = options;
    const content = await readContent(checkpoint, { opset, operators, tokenizer });
    const posts = (await options.readPosts?.()) ?? { calibration: [], comparison: [], evaluation: [] };
    return await replaceFolder(options.outputDir, async (dir) => {
      const report = await buildArtifact(dir, checkpoint, { content, posts, options });
      options.onProgress('measuring the folder');
      return {
        ...report,
        artifact: await describeMeasured(dir, report.artifact, { content, posts }),
        bytes: await folderBytes(dir),
      };
    });
  } finally {
    await opened.close();
  }
}

/** Between two steps, an export may be left: nothing of it is in its place yet. */
function reachStep(step: string, { onProgress }: ExportOptions): void {
  throwIfStopped();
  onProgress?.(step);
}

const isVariant = (precision: string) => (variants as readonly string[]).includes(precision);

function checkVariant({ precision = 'fp32', opset = 18 }: ExportOptions): number {
  if (precision !== 'fp32' && !isVariant(precision)) {
    const message = `export.precision is "${precision}"; supported: fp32, ${variants.join(', ')}`;
    throw new CrosscheckError('CROSSCHECK_EXPORT_PRECISION_UNSUPPORTED', message);
  }
  if (!supportedOpsets.includes(opset)) {
    const message = `export.opset is ${opset}; supported: ${supportedOpsets.join(', ')}`;
    throw new CrosscheckError('CROSSCHECK_EXPORT_OPSET_UNSUPPORTED', message);
  }
  return opset;
}

async function readContent(
  checkpoint: Checkpoint,
  { opset, operators, tokenizer }: { opset: number; operators: Operators; tokenizer: string | null },
): Promise<ArtifactContent> {
  const metadata = requireMetadata(checkpoint);
  const { architecture, preprocessing, version, metrics, runId } = metadata;
  checkTensors(checkpoint, parameterNames(architecture), { what: 'the architecture that it names' });
  return {
    name: 'Crosscheck',
    architecture,
    preprocessing,
    version,
    ...decisionOf(metadata),
    metrics,
    opset,
    operators,
    source: {
      checkpoint: path.basename(checkpoint.path),
      checkpointSha256: await sha256OfFile(checkpoint.path),
      runId,
    },
    tokenizerJson: await readTokenizer(metadata, tokenizer),
    weights: {
      shape: (name) => checkpoint.tensors.get(name)?.shape ?? [],
      read: (name) => checkpoint.read(name),
    },
  };
}

function requireMetadata({ path: file, metadata }: Checkpoint): CheckpointMetadata {
  if (metadata) return metadata;
  const message = `${file} does not say its architecture, preprocessing and label meaning (no "crosscheck" entry in its metadata); export a checkpoint that pnpm train wrote`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_METADATA_MISSING', message);
}

/** The tokenizer must fit the word embeddings; a smaller vocabulary leaves rows unused, a larger one would read past the end. */
async function readTokenizer(
  { tokenizer, architecture, preprocessing }: CheckpointMetadata,
  replacement: string | null,
) {
  const source = replacement ?? tokenizer;
  if (source === null) {
    const message =
      'the checkpoint carries no tokenizer; name one: export.tokenizer=<tokenizer.json, vocab.txt or a folder with either>';
    throw new CrosscheckError('CROSSCHECK_EXPORT_TOKENIZER_MISSING', message);
  }
  const { json, vocabSize } = await loadTokenizer(source, preprocessing);
  if (vocabSize <= architecture.text.vocabSize) return json;
  const message = `the tokenizer has ${vocabSize} tokens, the model's word embeddings ${architecture.text.vocabSize}; use the tokenizer that the model was trained with`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_TOKENIZER_MISMATCH', message);
}

async function buildArtifact(
  dir: string,
  checkpoint: Checkpoint,
  { content, posts, options }: { content: ArtifactContent; posts: ExportPosts; options: ExportOptions },
): Promise<Omit<ExportReport, 'bytes'>> {
  const { precision = 'fp32', maxProbabilityDifference: maxMean = 0.01, onProgress } = options;
  onProgress?.('running the trained network');
  const gate = await openGate(checkpoint, content, options.trained);
  if (precision === 'fp32') {
    const exact = await buildExact(dir, { content, gate, onProgress });
    return { dir: path.resolve(options.outputDir), ...exact, comparison: null };
  }
  const exactDir = path.join(path.dirname(dir), 'fp32');
  await mkdir(exactDir);
  const exact = await buildExact(exactDir, { content, gate, onProgress });
  const { parity } = exact.artifact;
  const plan = { content, precision: precision as (typeof variants)[number], posts, parity, maxMean, onProgress };
  const variant = await writeVariant(dir, exactDir, plan);
  return { dir: path.resolve(options.outputDir), ...exact, ...variant };
}

/** The fp32 artifact, compared with the trained network. */
async function buildExact(
  dir: string,
  { content, gate, onProgress }: { content: ArtifactContent; gate: Gate; onProgress: ExportOptions['onProgress'] },
): Promise<Pick<ExportReport, 'artifact' | 'parity' | 'served'>> {
  onProgress?.('writing the exported network');
  const sha256 = await writeArtifactFiles(dir, content);
  onProgress?.('comparing the two');
  const parity = await gate.checkModel(path.join(dir, artifactFiles.onnx));
  const summary = { samples: parity.rows.length, maxLogitDifference: parity.maxLogitDifference };
  const artifact = await writeManifest(dir, content, { sha256, parity: summary });
  return { artifact, parity, served: await gate.checkFolder(dir) };
}

/** Says in the manifest and on the model card what the finished folder gives. */
async function describeMeasured(
  dir: string,
  { precision, operators, fidelity, parity, sha256 }: Artifact,
  { content, posts }: { content: ArtifactContent; posts: ExportPosts },
): Promise<Artifact> {
  const measured = await measureFolder(dir, posts.evaluation);
  const described = { ...content, precision, operators, ...(fidelity && { fidelity }), ...measured };
  const hashes = { ...sha256, ...(await writeModelCard(dir, described)) };
  return writeManifest(dir, described, { sha256: hashes, parity });
}

async function folderBytes(dir: string): Promise<number> {
  const sizes = await Promise.all((await readdir(dir)).map((name) => stat(path.join(dir, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
