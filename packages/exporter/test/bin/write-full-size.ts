// Writes an artifact of full size into a folder, from a checkpoint, and prints the most memory that took: write-full-size.ts CHECKPOINT FOLDER
import { statSync } from 'node:fs';
import { artifactFiles, type CheckpointMetadata } from '@crosscheck/contract';
import { openCheckpoint } from '@crosscheck/weights';
import { writeArtifactFiles } from '../../src/index.ts';
import { tinyTokenizerJson } from '../tiny-artifact.ts';

const [file = '', dir = ''] = process.argv.slice(2);
const checkpoint = await openCheckpoint(file);
await writeArtifactFiles(dir, {
  ...(checkpoint.metadata as CheckpointMetadata),
  name: 'Crosscheck',
  opset: 18,
  source: { checkpoint: 'full', checkpointSha256: '0'.repeat(64), runId: null },
  tokenizerJson: tinyTokenizerJson,
  weights: {
    shape: (name) => checkpoint.tensors.get(name)?.shape ?? [],
    read: (name) => checkpoint.read(name),
  },
});
await checkpoint.close();
const modelBytes = statSync(`${dir}/${artifactFiles.onnxData}`).size;
process.stdout.write(JSON.stringify({ modelBytes, peakBytes: 1024 * process.resourceUsage().maxRSS }));
