// onnxruntime rewrites a graph before it runs it: fuses nodes, and lays convolutions out for the CPU at hand. What comes of it is kept for the
// next start, as a graph of some megabytes that reads its weights from the artifact's own data file. It is of no use on another CPU.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { cacheFolder } from '@crosscheck/contract';
import { readCpuInfo } from './integer-sums.ts';

/** Where rewritten graphs are kept, and which model this is. */
export interface GraphCache {
  dir: string;
  /** Changes with the graph or its weights. */
  model: string;
}

/** In the user's cache folder. */
export function graphCacheFolder(): string {
  return cacheFolder('graphs');
}

/** Models, versions and CPUs that are kept; the ones that were not used for longest go. */
const mostKept = 8;

/** The place of one model's graph, for a version of onnxruntime on this machine. */
export interface GraphPlace {
  /** @returns null where there is none, or it is damaged */
  read(): Uint8Array | null;
  /** @returns a file to write to; null where nothing can be written */
  open(): string | null;
  /** Keeps what was written there. */
  keep(written: string): void;
  drop(): void;
}

/** Nothing in here throws: a graph that cannot be kept is made again. */
export function openGraphPlace({ dir, model }: GraphCache, runtimeVersion: string): GraphPlace {
  const facts = [model, runtimeVersion, process.platform, process.arch, cpus()[0]?.model, cpuFlags()];
  const folder = path.join(dir, digest(facts.join('\n')).slice(0, 24));
  return {
    read: () => attempt(() => readGraph(folder)),
    open: () => attempt(() => openPart(folder)),
    keep: (written) => void attempt(() => keepGraph(dir, folder, written)),
    drop: () => void attempt(() => rmSync(folder, { recursive: true, force: true })),
  };
}

function cpuFlags(): string {
  return /^(flags|Features)\s*:.*$/m.exec(readCpuInfo())?.[0] ?? '';
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

const isGraph = (file: string) => file.endsWith('.onnx');

/** A graph's file is called by its own hash. */
function readGraph(folder: string): Uint8Array | null {
  const name = readdirSync(folder).find(isGraph);
  if (name === undefined) return null;
  const graph = readFileSync(path.join(folder, name));
  if (`${digest(graph)}.onnx` !== name) {
    rmSync(path.join(folder, name));
    return null;
  }
  const now = new Date();
  attempt(() => utimesSync(folder, now, now)); // a cache that others fill is as good
  return graph;
}

function openPart(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${process.pid}-${threadId}.part`);
}

/** Workers start together; one graph is enough. */
function keepGraph(dir: string, folder: string, written: string): void {
  if (readdirSync(folder).some(isGraph)) return rmSync(written);
  renameSync(written, path.join(folder, `${digest(readFileSync(written))}.onnx`));
  const kept = readdirSync(dir).map((name) => path.join(dir, name));
  const byUse = kept.map((each) => ({ each, used: statSync(each).mtimeMs })).sort((a, b) => b.used - a.used);
  for (const { each } of byUse.slice(mostKept)) rmSync(each, { recursive: true, force: true });
}
