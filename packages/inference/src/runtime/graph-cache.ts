// onnxruntime rewrites a graph before it runs it: fuses nodes, and lays convolutions out for the CPU at hand. What comes of it is kept for the
// next start, as a graph of some megabytes that reads its weights from the artifact's own data file. It is of no use on another CPU.
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { cacheFolder, isOnlyOurs, makeOwnFolder, sha256Of, temporaryBeside } from '@crosscheck/files';
import { readCpuInfo } from './integer-sums.ts';

/** Where rewritten graphs are kept, and which model this is. */
export interface GraphCache {
  dir: string;
  /** Changes with the graph or its weights. */
  model: string;
  /** Make the graph again, whatever is kept. @default false */
  anew?: boolean;
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

/**
 * Nothing in here throws: a graph that cannot be kept is made again. One is taken up only where nobody but this user and root can have written it,
 * and under a name that is the hash of its content and of what it was made for.
 */
export function openGraphPlace({ dir, model }: GraphCache, runtimeVersion: string): GraphPlace {
  const facts = [model, runtimeVersion, process.platform, process.arch, cpus()[0]?.model, cpuFlags()];
  const key = sha256Of(facts.join('\n'));
  const folder = path.join(dir, key.slice(0, 24));
  const nameOf = (graph: Uint8Array) => `${sha256Of(key, graph)}.onnx`;
  return {
    read: () => attempt(() => readGraph({ dir, folder, nameOf })),
    open: () => attempt(() => openPart(dir, folder)),
    keep: (written) => void attempt(() => keepGraph({ dir, folder, nameOf }, written)),
    drop: () => void attempt(() => rmSync(folder, { recursive: true, force: true })),
  };
}

interface Place {
  dir: string;
  folder: string;
  nameOf: (graph: Uint8Array) => string;
}

function cpuFlags(): string {
  return /^(flags|Features)\s*:.*$/m.exec(readCpuInfo())?.[0] ?? '';
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

const isGraph = (file: string) => file.endsWith('.onnx');

/** A graph reads its weights from the artifact: it is far smaller than this. */
const maxGraphBytes = 1 << 28;

function readGraph({ dir, folder, nameOf }: Place): Uint8Array | null {
  const name = readdirSync(folder).find(isGraph);
  if (name === undefined) return null;
  const file = path.join(folder, name);
  const isTrusted = isOnlyOurs(dir, 'folder') && isOnlyOurs(folder, 'folder') && isOnlyOurs(file, 'file');
  const graph = isTrusted && statSync(file).size <= maxGraphBytes ? readFileSync(file) : null;
  if (graph === null || nameOf(graph) !== name) {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  const now = new Date();
  attempt(() => utimesSync(folder, now, now)); // a cache that others fill is as good
  return graph;
}

/** @returns null where others can write: what is kept there would not be taken up */
function openPart(dir: string, folder: string): string | null {
  if (!makeOwnFolder(dir) && !closeToOthers(dir)) return null;
  if (!makeOwnFolder(folder)) {
    rmSync(folder, { recursive: true, force: true });
    if (!makeOwnFolder(folder)) return null;
  }
  return temporaryBeside(path.join(folder, 'graph'));
}

/** Folders that earlier versions made may be open to the user's group. */
function closeToOthers(dir: string): boolean {
  chmodSync(dir, 0o700);
  return isOnlyOurs(dir, 'folder');
}

/** Workers start together; one graph is enough. */
function keepGraph({ dir, folder, nameOf }: Place, written: string): void {
  if (readdirSync(folder).some(isGraph)) return rmSync(written);
  chmodSync(written, 0o600);
  renameSync(written, path.join(folder, nameOf(readFileSync(written))));
  const kept = readdirSync(dir).map((name) => path.join(dir, name));
  const byUse = kept.map((each) => ({ each, used: statSync(each).mtimeMs })).sort((a, b) => b.used - a.used);
  for (const { each } of byUse.slice(mostKept)) rmSync(each, { recursive: true, force: true });
}
