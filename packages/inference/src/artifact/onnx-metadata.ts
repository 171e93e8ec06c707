import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Artifact,
  artifactFiles,
  CrosscheckError,
  onnxMetadataOf,
  requireLabelMeaning,
} from '@crosscheck/contract';

/**
 * Compares what the ONNX file says about itself with `artifact.json`: one of them was exchanged or edited when they disagree, and which one is
 * right cannot be told from here.
 *
 * @throws CROSSCHECK_LABELS_MIXED, CROSSCHECK_ARTIFACT_DISAGREES
 */
export async function requireAgreement(modelFile: string, artifact: Artifact): Promise<void> {
  const said = readOnnxMetadata(await readFile(modelFile));
  const labels = said.get('labels');
  if (labels !== undefined) requireLabelMeaning(labels, modelFile);
  const differing = Object.entries(onnxMetadataOf(artifact)).filter(
    ([key, value]) => (said.get(key) ?? value) !== value,
  );
  if (differing.length === 0) return;
  const list = differing.map(
    ([key, value]) => `${key} is ${value} in ${artifactFiles.manifest} and ${said.get(key)} in the model`,
  );
  const message = `${path.basename(modelFile)} and ${artifactFiles.manifest} disagree: ${list.join('; ')}. Do not edit either: set inference.output.threshold where another threshold is wanted, or run pnpm calibrate and export again`;
  throw new CrosscheckError('CROSSCHECK_ARTIFACT_DISAGREES', message);
}

// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: ModelProto.metadata_props = 14, entries of key = 1 and value = 2.
const metadataField = 14;

/** `metadata_props` of an ONNX file; nothing of one that is not ONNX, which onnxruntime will say. */
function readOnnxMetadata(model: Uint8Array): Map<string, string> {
  const entries = [...readFields(model)].filter(({ field }) => field === metadataField);
  return new Map(
    entries.map(({ bytes }) => {
      const [key = '', value = ''] = [1, 2].map((wanted) => {
        const found = [...readFields(bytes)].find(({ field }) => field === wanted);
        return new TextDecoder().decode(found?.bytes);
      });
      return [key, value];
    }),
  );
}

/** The fields of a protobuf message that have a length; ends where the bytes are no message. */
function* readFields(message: Uint8Array): Generator<{ field: number; bytes: Uint8Array }> {
  let at = 0;
  const readVarint = () => {
    let [value, scale] = [0, 1];
    for (; at < message.length; scale *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  const fixedLengths: Record<number, number> = { 1: 8, 5: 4 };
  while (at < message.length) {
    const tag = readVarint();
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) readVarint();
    else if (wireType === 2) {
      const length = readVarint();
      yield { field, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (fixedLengths[wireType]) at += fixedLengths[wireType];
    else return;
  }
}
