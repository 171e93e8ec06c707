import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTokenizer } from '@crosscheck/preprocess';
import type { FuzzTarget } from '@crosscheck/testkit';
import { tinyPreprocessing, tinyTokenizerJson, writeTinyArtifact } from '../../../exporter/test/tiny-artifact.ts';
import { readArtifact } from '../../src/index.ts';

const artifact = mkdtempSync(path.join(tmpdir(), 'crosscheck-fuzz-artifact-'));
await writeTinyArtifact(artifact);
const codes = ['INVALID', 'FILE_MISSING', 'DISAGREES', 'MISMATCH'].map((end) => `CROSSCHECK_ARTIFACT_${end}`);

/** A file of the artifact in its place, changed. */
function within(name: string): FuzzTarget {
  const file = path.join(artifact, name);
  const whole = readFileSync(file);
  return {
    name,
    seeds: () => [whole],
    codes: [...codes, 'CROSSCHECK_LABELS_MIXED'],
    read: async (bytes) => {
      writeFileSync(file, bytes);
      try {
        return await readArtifact(artifact);
      } finally {
        writeFileSync(file, whole);
      }
    },
  };
}

async function encode(_: Buffer, file: string): Promise<unknown> {
  const tokenizer = await loadTokenizer(file, tinyPreprocessing);
  return tokenizer.encode('A flood in the city, é 漢字');
}

const vocabulary = Buffer.from('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nflood\n##s\n');

export const targets: FuzzTarget[] = [
  within('artifact.json'),
  within('multimodal_model.onnx'),
  {
    name: 'tokenizer',
    seeds: () => [Buffer.from(tinyTokenizerJson), vocabulary],
    codes: ['CROSSCHECK_TOKENIZER_INVALID'],
    read: encode,
  },
];
