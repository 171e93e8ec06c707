import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FuzzTarget } from '@crosscheck/testkit';
import { openTensorFile, writeSafetensors } from '../../src/index.ts';
import { readPickle } from '../../src/pth/pickle.ts';
import { storageOf } from '../../src/pth/pickle-globals.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/pth');
const codes = ['CROSSCHECK_WEIGHTS_CORRUPT', 'CROSSCHECK_PICKLE_REFUSED', 'CROSSCHECK_WEIGHTS_NOT_FOUND'];

async function readAll(_: Buffer, file: string): Promise<void> {
  const opened = await openTensorFile(file);
  try {
    for (const name of opened.tensors.keys()) await opened.read(name);
  } finally {
    await opened.close();
  }
}

/** Archives of `torch.save` hold their pickle as it is: their checksums would refuse every change before it is read. */
function picklesOf(file: Buffer): Buffer[] {
  const start = file.indexOf('\x80\x02', 0, 'latin1');
  return start < 0 ? [] : [file.subarray(start, start + 4000)];
}

const pth = () =>
  readdirSync(fixtures)
    .filter((name) => name.endsWith('.pth'))
    .map((name) => readFileSync(path.join(fixtures, name)));

async function safetensors(): Promise<Buffer[]> {
  const file = path.join(tmpdir(), `crosscheck-fuzz-${process.pid}.safetensors`);
  const data = Float32Array.from({ length: 6 }, (_, i) => i);
  await writeSafetensors(
    file,
    [
      { name: 'a', dtype: 'F32', shape: [2, 3], data },
      { name: 'b', dtype: 'U8', shape: [4], data: Uint8Array.of(1, 2, 3, 4) },
    ],
    { format: 'pt' },
  );
  return [readFileSync(file)];
}

export const targets: FuzzTarget[] = [
  { name: 'safetensors', seeds: safetensors, codes, read: readAll },
  { name: 'pth', seeds: pth, codes, read: readAll },
  {
    name: 'pickle',
    seeds: () => pth().flatMap(picklesOf),
    codes,
    read: (bytes) => readPickle(bytes, { path: 'fuzz', loadPersistent: storageOf }),
  },
];
