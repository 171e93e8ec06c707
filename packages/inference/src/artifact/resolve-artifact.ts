import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CrosscheckError, passStopsTo, throwIfStopped } from '@crosscheck/contract';
import { sha256OfFile } from '@crosscheck/files';
import { readArtifact } from './read-artifact.ts';

export interface ResolveOptions {
  /** In place of the checkpoint's own tokenizer. */
  tokenizer: string | null;
  /** Told when an export begins. */
  log(message: string): void;
}

/**
 * Turns what a user names as the model into an artifact: a folder or `.onnx` file stays as it is, a checkpoint is exported once into
 * `<its name>-artifact` beside it, and again when it changed. A `.pth` name means our `.safetensors` of the same stem.
 *
 * @throws CROSSCHECK_INFER_CHECKPOINT_NOT_EXPORTED, CROSSCHECK_INFER_INPUT_NOT_FOUND
 */
export async function resolveArtifact(location: string, options: ResolveOptions): Promise<string> {
  if (!/\.(safetensors|pth?)$/.test(location)) return location;
  const checkpoint = await findCheckpoint(location);
  const { dir, name } = path.parse(checkpoint);
  const folder = path.join(dir, `${name}-artifact`);
  if (await isExportOf(folder, checkpoint)) return folder;
  options.log(`exporting ${checkpoint} to ${folder}, once`);
  await exportCheckpoint(checkpoint, folder, options.tokenizer);
  return folder;
}

async function findCheckpoint(location: string): Promise<string> {
  for (const candidate of [location, location.replace(/\.pth?$/, '.safetensors')]) {
    if ((await stat(candidate).catch(() => null))?.isFile()) return path.resolve(candidate);
  }
  const message = `expected a checkpoint at ${path.resolve(location)}, found nothing; set inference.checkpoint.path to an artifact folder or a checkpoint`;
  throw new CrosscheckError('CROSSCHECK_INFER_INPUT_NOT_FOUND', message);
}

async function isExportOf(folder: string, checkpoint: string): Promise<boolean> {
  const existing = await readArtifact(folder).catch(() => null);
  return existing !== null && existing.artifact.source.checkpointSha256 === (await sha256OfFile(checkpoint));
}

/** Inference must not depend on the exporter, which brings TensorFlow; where it is installed beside us, its command does the work. */
async function exportCheckpoint(checkpoint: string, folder: string, tokenizer: string | null): Promise<void> {
  const settings = {
    'export.checkpoint': checkpoint,
    'export.output_dir': folder,
    ...(tokenizer === null ? {} : { 'export.tokenizer': tokenizer }),
  };
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${quote(value)}`);
  const exporter = exporterEntry();
  const problem = exporter === null ? 'the exporter is not installed here' : await runNode(exporter, overrides);
  throwIfStopped();
  if (problem === null) return;
  const message = `${checkpoint} is a checkpoint and could not be exported: ${problem}; run: pnpm export ${overrides.join(' ')}, then set inference.checkpoint.path=${folder}`;
  throw new CrosscheckError('CROSSCHECK_INFER_CHECKPOINT_NOT_EXPORTED', message);
}

function exporterEntry(): string | null {
  const [root, kind] = import.meta.url.endsWith('.ts') ? ['src', 'ts'] : ['dist', 'js'];
  const entry = fileURLToPath(new URL(`../../../exporter/${root}/bin/export.${kind}`, import.meta.url));
  return existsSync(entry) ? entry : null;
}

/** In the override grammar, a quoted value may hold anything. */
function quote(value: string): string {
  return `'${value.replaceAll(/(\\*)'/g, "$1$1\\'")}'`;
}

/** What the child prints goes to stderr: stdout belongs to the verdicts. */
function runNode(entry: string, args: string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, entry, ...args], {
      stdio: ['ignore', process.stderr, process.stderr],
    });
    passStopsTo(child);
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? null : `its command ended with ${signal ?? `code ${code}`}`),
    );
  });
}
