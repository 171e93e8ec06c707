import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type CompleteConfig,
  completeConfig,
  describeForeignCheckpoint,
  type JobResult,
  type Run,
  type TrainConfig,
} from '@crosscheck/config';
import { type Artifact, artifactFiles, type CheckpointMetadata } from '@crosscheck/contract';
import {
  findTextFacts,
  openCheckpoint,
  requireFree,
  resolveCheckpointPath,
  resolveTokenizer,
  writeBertModel,
} from '@crosscheck/weights';
import { type ExportReport, exportArtifact } from './export-artifact.ts';
import { maxLogitDifference, type ParityReport } from './parity/check-parity.ts';
import type { ComparisonReport } from './parity/compare-artifacts.ts';
import { describeDifferences, describeRounding } from './parity/describe-comparison.ts';
import { checkColumns, readExportPosts } from './read-posts.ts';

/** Job of `pnpm export`. */
export async function runExport({ config }: Run<TrainConfig>): Promise<JobResult> {
  const { output_dir: outputDir, precision, opset, operators } = config.export;
  await checkColumns(config);
  if (config.export.text_backbone !== null) await requireFree(config.export.text_backbone);
  const checkpoint = await chooseCheckpoint(config);
  const startedAt = performance.now();
  const report = await exportArtifact({
    checkpoint,
    outputDir,
    tokenizer: await chooseTokenizer(checkpoint, config),
    assume: async () => describeForeignCheckpoint(await completeForeign(config)),
    positiveClass: config.model.positive_class,
    precision,
    maxProbabilityDifference: config.export.max_probability_difference,
    readPosts: () => readExportPosts(config),
    opset,
    operators,
  });
  await exportText(checkpoint, report, config);
  process.stdout.write(
    describe(report, {
      checkpoint,
      textBackbone: config.export.text_backbone,
      allowed: config.export.max_probability_difference,
      seconds: (performance.now() - startedAt) / 1000,
    }),
  );
  return { metrics: { max_logit_difference: report.parity.maxLogitDifference } };
}

/** `export.text_backbone`: what was trained of the text backbone, for Hugging Face's libraries. */
async function exportText(checkpoint: string, { dir, artifact }: ExportReport, config: TrainConfig): Promise<void> {
  const folder = config.export.text_backbone;
  if (folder === null) return;
  const file = await openCheckpoint(checkpoint);
  try {
    const tokenizer = await readFile(path.join(dir, artifactFiles.tokenizer), 'utf8');
    await writeBertModel(folder, { file, text: artifact.architecture.text, tokenizer });
  } finally {
    await file.close();
  }
}

/** What the config leaves to backbones, for a checkpoint that holds their weights itself. */
async function completeForeign(config: TrainConfig): Promise<CompleteConfig> {
  const { text } = await findTextFacts({ ...config.model.text, weights: null });
  return completeConfig(config, { text });
}

/** `export.checkpoint`, or the best one of the last training. */
function chooseCheckpoint({ export: { checkpoint }, training }: TrainConfig): Promise<string> {
  return resolveCheckpointPath(checkpoint ?? `best_model_${training.version}.safetensors`, training.checkpoint_dir);
}

/** `export.tokenizer`; for a checkpoint without one of its own, the tokenizer that training would take. Null = the checkpoint's. */
async function chooseTokenizer(checkpoint: string, config: TrainConfig): Promise<string | null> {
  const { tokenizer, pretrained_model, revision } = config.model.text;
  const isComplete = (await readMetadata(checkpoint))?.tokenizer != null;
  const source = config.export.tokenizer ?? (isComplete ? null : (tokenizer ?? pretrained_model));
  return source === null ? null : resolveTokenizer(source, { revision });
}

async function readMetadata(path: string): Promise<CheckpointMetadata | null> {
  const checkpoint = await openCheckpoint(path);
  await checkpoint.close();
  return checkpoint.metadata;
}

interface Described {
  checkpoint: string;
  textBackbone: string | null;
  seconds: number;
  /** Largest mean |Δp|. */
  allowed: number;
}

function describe(
  { dir, artifact, parity, served, comparison, bytes }: ExportReport,
  { checkpoint, textBackbone, seconds, allowed }: Described,
): string {
  const folder = path.relative('', dir) || dir;
  const files = Object.keys(artifact.sha256).length + 1;
  const difference = (report: ParityReport) =>
    `max |Δlogit| ${report.maxLogitDifference.toExponential(1)} over ${report.rows.length} samples`;
  return [
    `Exported ${checkpoint}`,
    `  to       ${dir} (${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${artifact.precision}, opset ${artifact.opset})`,
    `  parity   ${difference(parity)}, ${difference(served)} through the whole folder (${maxLogitDifference} allowed)`,
    ...(artifact.evaluation ? [describeEvaluation(artifact.evaluation)] : []),
    ...(comparison ? describeComparison(artifact, { comparison, allowed }) : []),
    ...(textBackbone === null
      ? []
      : [`  text     ${path.resolve(textBackbone)} (the text backbone alone, as Hugging Face's BertModel)`]),
    `  took     ${seconds.toFixed(1)} s`,
    'Next:',
    `  pnpm infer inference.mode=single inference.checkpoint.path=${folder} inference.single.image_path=<picture> inference.single.text="<words>"`,
    `  pnpm serve serve.artifact=${folder}`,
    '',
  ].join('\n');
}

function describeEvaluation({ posts, metrics }: NonNullable<Artifact['evaluation']>): string {
  const estimates = ['accuracy', 'rocAuc'].flatMap((name) => {
    const estimate = metrics[name];
    return estimate
      ? [`${name} ${estimate.value.toFixed(3)} (${estimate.low.toFixed(3)} to ${estimate.high.toFixed(3)})`]
      : [];
  });
  return `  measured ${estimates.join(', ')} on ${posts} test posts, with 95 % intervals`;
}

function describeComparison(
  { precision, fidelity }: Artifact,
  { comparison, allowed }: { comparison: ComparisonReport; allowed: number },
): string[] {
  const { posts, accuracy, changedVerdicts, millisecondsPerPost: cost } = comparison;
  const [mean, max] = [comparison.meanProbabilityDifference, comparison.maxProbabilityDifference].map((value) =>
    value.toFixed(4),
  );
  const right = accuracy ? `, accuracy ${accuracy.exact.toFixed(4)} → ${accuracy.compared.toFixed(4)}` : '';
  const speed = `${cost.exact.toFixed(1)} → ${cost.compared.toFixed(1)} ms of processor time per post (${(cost.exact / cost.compared).toFixed(2)}×)`;
  const indented = (line: string) => `           ${line}`;
  return [
    `  ${precision.padEnd(8)} mean |Δp| ${mean} (${allowed} allowed), largest ${max}, ${changedVerdicts} of ${posts} verdicts differ from fp32${right}`,
    ...describeDifferences(fidelity).map(indented),
    ...describeRounding(fidelity).map(indented),
    `  speed    ${speed}`,
  ];
}
