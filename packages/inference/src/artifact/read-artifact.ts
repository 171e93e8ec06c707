import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact } from '@crosscheck/contract';
import { artifactFiles, artifactSchema, CrosscheckError, requireLabelMeaning } from '@crosscheck/contract';
import { sha256OfFile } from '@crosscheck/files';
import { z } from 'zod';
import { requireAgreement } from './onnx-metadata.ts';

/** A checked artifact folder. */
export interface ArtifactFolder {
  dir: string;
  artifact: Artifact;
  /** Absolute path of the ONNX graph. */
  modelFile: string;
  /** Absolute path of tokenizer.json. */
  tokenizerFile: string;
}

const hashedFiles = [artifactFiles.onnx, artifactFiles.onnxData, artifactFiles.tokenizer] as const;

/**
 * Reads `artifact.json` of a folder and checks that the folder holds every file it stands for.
 *
 * @param location an artifact folder, or the `.onnx` file inside one
 * @throws CROSSCHECK_ARTIFACT_NOT_FOUND, CROSSCHECK_ARTIFACT_INVALID, CROSSCHECK_ARTIFACT_FILE_MISSING,
 * CROSSCHECK_ARTIFACT_DISAGREES, CROSSCHECK_LABELS_MIXED
 */
export async function readArtifact(location: string): Promise<ArtifactFolder> {
  const dir = path.resolve(location.endsWith('.onnx') ? path.dirname(location) : location);
  const artifact = parseManifest(path.join(dir, artifactFiles.manifest), await readManifest(dir));
  await Promise.all(Object.keys(artifact.sha256).map((name) => requireFile(dir, name)));
  const modelFile = path.join(dir, artifactFiles.onnx);
  await requireAgreement(modelFile, artifact);
  return {
    dir,
    artifact,
    modelFile,
    tokenizerFile: path.join(dir, artifactFiles.tokenizer),
  };
}

async function readManifest(dir: string): Promise<string> {
  const file = path.join(dir, artifactFiles.manifest);
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `expected an artifact folder with ${artifactFiles.manifest}, cannot read ${file}; make one with: pnpm export export.checkpoint=… export.output_dir=${dir}`;
    throw new CrosscheckError('CROSSCHECK_ARTIFACT_NOT_FOUND', message, { cause });
  });
}

function parseManifest(file: string, text: string): Artifact {
  const result = z
    .preprocess((value, context) => withOurLabels(parseJson(String(value), context), file), artifactSchema)
    .superRefine(refuseOddNames)
    .safeParse(text);
  if (result.success) return result.data;
  const message = `${file} is not a valid artifact description:\n${z.prettifyError(result.error)}\nexport the checkpoint again`;
  throw new CrosscheckError('CROSSCHECK_ARTIFACT_INVALID', message);
}

function withOurLabels(value: unknown, file: string): unknown {
  if (typeof value === 'object' && value !== null && 'labels' in value) requireLabelMeaning(value.labels, file);
  return value;
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `not JSON: ${String(error)}` });
    return z.NEVER;
  }
}

/** The list of hashes must name what the service reads, and nothing outside the folder. */
function refuseOddNames({ sha256 }: Artifact, context: z.RefinementCtx): void {
  for (const name of hashedFiles) {
    if (!(name in sha256)) context.addIssue({ code: 'custom', path: ['sha256'], message: `no hash of ${name}` });
  }
  for (const name of Object.keys(sha256)) {
    const isPlain = name === path.basename(name) && !name.startsWith('.');
    if (!isPlain) context.addIssue({ code: 'custom', path: ['sha256'], message: `"${name}" is not a plain file name` });
  }
}

async function requireFile(dir: string, name: string): Promise<void> {
  const found = await stat(path.join(dir, name)).catch(() => null);
  if (found?.isFile()) return;
  const message = `${artifactFiles.manifest} lists ${name}, which is not in ${dir}; copy the whole artifact folder, or export again`;
  throw new CrosscheckError('CROSSCHECK_ARTIFACT_FILE_MISSING', message);
}

/**
 * Compares every file of the folder with the hash in `artifact.json`.
 *
 * @throws CROSSCHECK_ARTIFACT_HASH_MISMATCH
 */
export async function verifyHashes({ dir, artifact }: ArtifactFolder): Promise<void> {
  for (const [name, expected] of Object.entries(artifact.sha256)) {
    const actual = await sha256OfFile(path.join(dir, name));
    if (actual === expected) continue;
    const message = `${path.join(dir, name)} has sha256 ${actual}, ${artifactFiles.manifest} says ${expected}: the file was changed or cut short after the export; copy or export it again`;
    throw new CrosscheckError('CROSSCHECK_ARTIFACT_HASH_MISMATCH', message);
  }
}
