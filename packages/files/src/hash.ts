import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hexadecimal sha256 of contents, one behind the other. */
export function sha256Of(...contents: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content);
  return hash.digest('hex');
}

/** Hexadecimal sha256 of a file, read in pieces. */
export async function sha256OfFile(file: string): Promise<string> {
  return (await digestFile(file)).sha256;
}

/** The same with the file's length. */
export async function digestFile(file: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
