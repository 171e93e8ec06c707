import { bytesPerElement, type DType, elementCount } from '@crosscheck/network';
import { z } from 'zod';
import type { TensorInfo } from '../tensor-file.ts';

/** Where a tensor's bytes stand, counted from the end of the header. */
export interface TensorSpan extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorSpan>;
}

/** The reference implementation's own limit. */
export const maxHeaderBytes = 100_000_000;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(bytesPerElement) as [DType, ...DType[]]),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string());

/**
 * Parses and checks the JSON header of a `.safetensors` file: known dtypes, offsets that fit shape and dtype, and data that is
 * covered without a hole or an overlap, as the format demands. Throws plain errors that say what is wrong.
 *
 * @param dataBytes size of the file behind the header
 */
export function parseSafetensorsHeader(text: string, dataBytes: number): SafetensorsHeader {
  const json: unknown = JSON.parse(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Error('the header is not a JSON object');
  refuseDuplicateKeys(text);
  const { __metadata__: metadata = {}, ...entries } = json as Record<string, unknown>;
  const spans = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry));
  checkCoverage(spans, dataBytes);
  return {
    metadata: checked('__metadata__', metadataSchema, metadata),
    tensors: new Map(spans.map((span) => [span.name, span])),
  };
}

function parseEntry(name: string, entry: unknown): TensorSpan {
  const { dtype, shape, data_offsets } = checked(`tensor "${name}"`, entrySchema, entry);
  const [begin, end] = data_offsets;
  const expected = elementCount(shape) * bytesPerElement[dtype];
  if (end - begin !== expected) {
    throw new Error(
      `tensor "${name}" of ${dtype} [${shape.join(', ')}] needs ${expected} bytes, its offsets ${begin}–${end} give ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function checkCoverage(spans: TensorSpan[], dataBytes: number): void {
  let position = 0;
  for (const { name, begin, end } of spans.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < position)
      throw new Error(`tensor "${name}" at ${begin}–${end} overlaps the one before it, which ends at ${position}`);
    if (begin > position) throw new Error(`bytes ${position}–${begin} before tensor "${name}" belong to no tensor`);
    position = end;
  }
  if (position !== dataBytes) throw new Error(`the tensors take ${position} bytes, the file holds ${dataBytes}`);
}

function checked<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(
    `${what}: ${result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join(', ')}`,
  );
}

/** JSON.parse keeps the last of two equal keys and says nothing, so the keys of every object are looked at once more. */
function refuseDuplicateKeys(validJson: string): void {
  const objects: Set<string>[] = [];
  for (let i = 0; i < validJson.length; i++) {
    if (validJson[i] === '{') objects.push(new Set());
    else if (validJson[i] === '}') objects.pop();
    else if (validJson[i] === '"') {
      const end = stringEnd(validJson, i);
      if (isFollowedByColon(validJson, end)) addKey(objects.at(-1), validJson.slice(i, end));
      i = end - 1;
    }
  }
}

function stringEnd(validJson: string, start: number): number {
  let quote = start;
  let backslashes: number;
  do {
    quote = validJson.indexOf('"', quote + 1);
    backslashes = 0;
    while (validJson[quote - 1 - backslashes] === '\\') backslashes++;
  } while (backslashes % 2 === 1);
  return quote + 1;
}

function isFollowedByColon(validJson: string, start: number): boolean {
  let i = start;
  while (' \t\r\n'.includes(validJson[i] ?? ':')) i++;
  return validJson[i] === ':';
}

function addKey(seen: Set<string> | undefined, literal: string): void {
  const key = JSON.parse(literal) as string;
  if (seen?.has(key)) throw new Error(`the name "${key}" stands in the header twice`);
  seen?.add(key);
}
