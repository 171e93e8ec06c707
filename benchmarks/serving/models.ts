import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { architectureSchema, type CheckpointMetadata, defaultPreprocessing } from '@crosscheck/contract';
import { exportArtifact, randomWeights } from '@crosscheck/exporter';
import { sharedCacheFolder } from '@crosscheck/files';
import { parameterNames } from '@crosscheck/network';
import { buildBertTokenizerJson } from '@crosscheck/preprocess';
import { writeCheckpoint } from '@crosscheck/weights';
import { repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { readPosts, vocabularyFile, writePosts } from './posts.ts';

/** What every system under test is made of. */
export interface Models {
  /** Artifact folders of ours. */
  fp32: string;
  int8: string;
  /** Folder of the network as PyTorch exports it: plain.onnx, and plain-int8.onnx with onnxruntime's dynamic quantisation. */
  peers: string;
  /** Folder with posts.json. */
  posts: string;
}

const seed = 1;

/** The full-size network with random weights from a seed, in every form that is compared; made once per user and version of this recipe. */
export async function makeModels(log: (message: string) => void): Promise<Models> {
  const folder = cacheFolder();
  const inside = (name: string) => path.join(folder, name);
  const artifact = (precision: string) => inside(`${precision}-${exporterHash()}`);
  const models = { fp32: artifact('fp32'), int8: artifact('int8'), peers: inside('peers'), posts: inside('posts') };
  const checkpoint = inside('checkpoint.safetensors');
  await mkdir(folder, { recursive: true });
  if (!existsSync(checkpoint)) {
    log('drawing 72 million weights');
    await writePosts(models.posts);
    await writeRandomCheckpoint(checkpoint);
  }
  for (const precision of ['fp32', 'int8'] as const) {
    if (existsSync(models[precision])) continue;
    log(`exporting ${precision}`);
    await exportArtifact({ checkpoint, outputDir: models[precision], precision, readPosts: async () => split(models) });
  }
  if (!existsSync(models.peers)) {
    log('exporting with PyTorch');
    await exportWithTorch(checkpoint, models.peers);
  }
  return models;
}

/** Made anew when one of these files changes. */
const recipe = ['serving/models.ts', 'serving/posts.ts', 'peers/export_plain.py', 'peers/network.py'].map(
  (file) => `benchmarks/${file}`,
);

function cacheFolder(): string {
  return path.join(sharedCacheFolder(), 'crosscheck/benchmarks', `serving-${hashOf(recipe)}`);
}

/** Artifacts of another exporter are others. */
function exporterHash(): string {
  const sources = execFileSync(
    'git',
    ['ls-files', ...['network', 'onnx', 'quantize'].map((part) => `packages/exporter/src/${part}`)],
    { cwd: repositoryRoot, encoding: 'utf8' },
  );
  return hashOf(sources.trim().split('\n'));
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(path.join(repositoryRoot, file)));
  return hash.digest('hex').slice(0, 8);
}

async function writeRandomCheckpoint(file: string): Promise<void> {
  const architecture = architectureSchema.parse({});
  const weights = randomWeights(architecture, seed);
  const tensors = parameterNames(architecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => weights.read(name) }));
  const vocabulary = readFileSync(vocabularyFile, 'utf8').trimEnd().split('\n');
  const metadata: CheckpointMetadata = {
    formatVersion: 1,
    version: 'benchmark',
    createdAt: new Date().toISOString(),
    labels: { 0: 'REAL', 1: 'FAKE' },
    preprocessing: defaultPreprocessing,
    architecture,
    threshold: 0.5,
    temperature: 1,
    metrics: {},
    tokenizer: buildBertTokenizerJson(vocabulary),
    config: {},
    configOrigins: {},
    runId: null,
    epoch: 0,
    step: 0,
  };
  await writeCheckpoint(file, { tensors, metadata });
}

function split({ posts }: Models) {
  const all = readPosts(posts).map((post) => ({ ...post, label: null }));
  return { calibration: all.slice(0, 32), comparison: all.slice(32), evaluation: [] };
}

async function exportWithTorch(checkpoint: string, folder: string): Promise<void> {
  const unfinished = `${folder}.partial`;
  rmSync(unfinished, { recursive: true, force: true });
  await mkdir(unfinished);
  const script = path.join(repositoryRoot, 'benchmarks/peers/export_plain.py');
  execFileSync(findPython(), [script, checkpoint, vocabularyFile, unfinished], { stdio: ['ignore', 2, 2] });
  await rename(unfinished, folder);
}
