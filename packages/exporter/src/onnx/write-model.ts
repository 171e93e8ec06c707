import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { Graph, Initializer } from '@crosscheck/network';
import type { ModelHeader } from './encode.ts';
import { encodeModel } from './encode.ts';
import { byteLength, type Placement } from './placement.ts';

/** A page: what the ONNX specification recommends so that runtimes can map the file. */
const dataAlignmentBytes = 4096;
/** Below this a tensor stays inside the graph file, where shape inference and viewers see it. */
const inlineLimitBytes = 1024;

interface WrittenFile {
  bytes: number;
  sha256: string;
}

export interface WrittenModel {
  graph: WrittenFile;
  data: WrittenFile;
}

/**
 * Writes `<file>` and `<file>.data`. Weights go to disk one at a time, in graph order, so no more than one of them is in memory.
 *
 * @param file path of the `.onnx` file; both files must not exist yet
 */
export async function writeOnnxModel(file: string, graph: Graph, header: ModelHeader): Promise<WrittenModel> {
  const dataFile = `${file}.data`;
  const placements = new Map<string, Placement>();
  const data = await writeFile(dataFile, async (append) => {
    for (const initializer of graph.initializers) {
      placements.set(initializer.name, await place(initializer, path.basename(dataFile), append));
    }
  });
  const encoded = encodeModel(graph, header, placements);
  return { data, graph: await writeFile(file, async (append) => void (await append(encoded))) };
}

type Append = (bytes: Uint8Array, alignment?: number) => Promise<number>;

async function place(initializer: Initializer, location: string, append: Append): Promise<Placement> {
  const values = await initializer.read();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const expected = byteLength(initializer);
  if (bytes.byteLength !== expected)
    throw new Error(`${initializer.name}: ${bytes.byteLength} bytes, expected ${expected}`);
  if (bytes.byteLength < inlineLimitBytes) return { inline: Uint8Array.from(bytes) };
  return { location, offset: await append(bytes, dataAlignmentBytes), length: bytes.byteLength };
}

async function writeFile(file: string, body: (append: Append) => Promise<void>): Promise<WrittenFile> {
  const handle = await open(file, 'wx');
  const hash = createHash('sha256');
  let size = 0;
  const append: Append = async (bytes, alignment = 1) => {
    const padding = new Uint8Array((alignment - (size % alignment)) % alignment);
    const offset = size + padding.byteLength;
    for (const part of [padding, bytes]) {
      hash.update(part);
      await writeAll(handle, part);
    }
    size = offset + bytes.byteLength;
    return offset;
  };
  try {
    await body(append);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes: size, sha256: hash.digest('hex') };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await handle.write(bytes, done)).bytesWritten;
  }
}
