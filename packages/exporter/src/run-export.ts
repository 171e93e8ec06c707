import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { resolveCheckpointPath } from '@crosscheck/model/weights';
import { type ExportReport, exportArtifact } from './export-artifact.ts';
import { maxLogitDifference, type ParityReport } from './parity/check-parity.ts';

/** Job of `pnpm export`. */
export async function runExport({ config }: Run<TrainConfig>): Promise<JobResult> {
  const { output_dir, tokenizer, precision, opset } = config.export;
  const checkpoint = await chooseCheckpoint(config);
  const startedAt = performance.now();
  const report = await exportArtifact({ checkpoint, outputDir: output_dir, tokenizer, precision, opset });
  process.stdout.write(describe(report, { checkpoint, seconds: (performance.now() - startedAt) / 1000 }));
  return { metrics: { max_logit_difference: report.parity.maxLogitDifference } };
}

/** `export.checkpoint`, or the best one of the last training. */
function chooseCheckpoint({ export: { checkpoint }, training }: TrainConfig): Promise<string> {
  return resolveCheckpointPath(checkpoint ?? `best_model_${training.version}.safetensors`, training.checkpoint_dir);
}

function describe(
  { dir, artifact, parity, served, bytes }: ExportReport,
  { checkpoint, seconds }: { checkpoint: string; seconds: number },
): string {
  const folder = path.relative('', dir) || dir;
  const files = Object.keys(artifact.sha256).length + 1;
  const difference = (report: ParityReport) =>
    `max |Δlogit| ${report.maxLogitDifference.toExponential(1)} over ${report.rows.length} samples`;
  return [
    `Exported ${checkpoint}`,
    `  to       ${dir} (${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${artifact.precision}, opset ${artifact.opset})`,
    `  parity   ${difference(parity)}, ${difference(served)} through the whole folder (${maxLogitDifference} allowed)`,
    `  took     ${seconds.toFixed(1)} s`,
    'Next:',
    `  pnpm infer inference.mode=single inference.checkpoint.path=${folder} inference.single.image_path=<picture> inference.single.text="<words>"`,
    `  pnpm serve serve.artifact=${folder}`,
    '',
  ].join('\n');
}
