import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact } from '@crosscheck/contract';
import {
  artifactFiles,
  artifactSchema,
  decisionOf,
  labelNames,
  modalitiesOf,
  onnxMetadataOf,
} from '@crosscheck/contract';
import { sha256Of } from '@crosscheck/files';
import type { Graph } from '@crosscheck/network';
import { buildClassifierGraph } from '../graph/classifier.ts';
import { writeOnnxModel } from '../onnx/write-model.ts';
import type { ArtifactContent } from './artifact-content.ts';
import { modelConfig, preprocessorConfig, tokenizerConfig } from './hugging-face.ts';
import { modelCard } from './model-card.ts';

/** Same depth in src and dist. */
const packageFile = new URL('../../package.json', import.meta.url);
const { version: producerVersion } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

const tokenizerConfigFile = 'tokenizer_config.json';

/**
 * Writes every file of an artifact folder but `artifact.json`.
 *
 * @param dir an existing empty folder
 * @param graph in place of the exact network
 * @returns sha256 by file name
 */
export async function writeArtifactFiles(
  dir: string,
  content: ArtifactContent,
  graph: Graph = buildClassifierGraph(content),
): Promise<Record<string, string>> {
  const header = {
    opset: content.opset,
    producerVersion,
    metadata: onnxMetadataOf({ ...content, modalities: modalitiesOf(content.architecture) }),
  };
  const model = await writeOnnxModel(path.join(dir, artifactFiles.onnx), graph, header);
  const texts: Record<string, string> = {
    [artifactFiles.tokenizer]: content.tokenizerJson,
    [tokenizerConfigFile]: prettyJson(tokenizerConfig(content)),
    [artifactFiles.preprocessor]: prettyJson(preprocessorConfig(content)),
    [artifactFiles.config]: prettyJson(modelConfig(content)),
  };
  return {
    [artifactFiles.onnx]: model.graph.sha256,
    [artifactFiles.onnxData]: model.data.sha256,
    ...(await writeTexts(dir, texts)),
    ...(await writeModelCard(dir, content)),
  };
}

/**
 * Writes the folder's README.md, again when more was measured.
 *
 * @returns sha256 by file name
 */
export function writeModelCard(dir: string, content: ArtifactContent): Promise<Record<string, string>> {
  return writeTexts(dir, { [artifactFiles.modelCard]: modelCard(content) });
}

async function writeTexts(dir: string, texts: Record<string, string>): Promise<Record<string, string>> {
  await Promise.all(Object.entries(texts).map(([name, text]) => writeFile(path.join(dir, name), text)));
  const hashes = Object.entries(texts).map(([name, text]) => [name, sha256Of(text)]);
  return Object.fromEntries(hashes);
}

/** Writes `artifact.json`, which makes the folder an artifact. */
export async function writeManifest(
  dir: string,
  content: ArtifactContent,
  measured: { sha256: Record<string, string>; parity: Artifact['parity'] },
): Promise<Artifact> {
  const artifact = artifactSchema.parse({
    formatVersion: 1,
    name: content.name,
    version: content.version,
    createdAt: new Date().toISOString(),
    labels: { 0: labelNames[0], 1: labelNames[1] },
    preprocessing: content.preprocessing,
    ...decisionOf(content),
    precision: content.precision ?? 'fp32',
    opset: content.opset,
    operators: content.operators ?? 'standard',
    architecture: content.architecture,
    modalities: modalitiesOf(content.architecture),
    source: content.source,
    parity: measured.parity,
    ...(content.fidelity && { fidelity: content.fidelity }),
    ...(content.evaluation && { evaluation: content.evaluation }),
    ...(content.selfCheck && { selfCheck: content.selfCheck }),
    metrics: content.metrics,
    sha256: measured.sha256,
  } satisfies Artifact);
  await writeFile(path.join(dir, artifactFiles.manifest), prettyJson(artifact));
  return artifact;
}

function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
