import { CrosscheckError } from '@crosscheck/contract';
import type { Parameter } from '@crosscheck/network';
import {
  checkTensors,
  type TensorFile,
  type TensorToWrite,
  viewTextBackbone,
  viewVisionBackbone,
} from '@crosscheck/weights';
import { assignTorch, readTorch } from './parameters.ts';
import type { ModelState } from './state.ts';

/**
 * Loads a whole checkpoint: every parameter and every running statistic. The names and shapes are checked first, so a file that
 * does not fit changes nothing.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH naming every missing, unexpected and misshapen tensor
 */
export async function loadWeights(model: ModelState, file: TensorFile): Promise<void> {
  checkTensors(file, [...model.tensors.values()], { what: 'the network' });
  await copyTensors(model, file);
}

/** Loads EfficientNet-B0 weights in torchvision's, timm's or our names; the rest of the model stays as it is. */
export async function loadVisionBackbone(model: ModelState, file: TensorFile): Promise<void> {
  await copyTensors(model, finite(viewVisionBackbone(file, model.architecture.vision)));
}

/** Loads DistilBERT weights in Hugging Face's or our names; the rest of the model stays as it is. */
export async function loadTextBackbone(model: ModelState, file: TensorFile): Promise<void> {
  await copyTensors(model, finite(viewTextBackbone(file, model.architecture.text)));
}

/** The same file, whose numbers must be some: a network that starts with NaN looks like one that diverged. */
function finite(file: TensorFile): TensorFile {
  const read = async (name: string) => {
    const data = await file.read(name);
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += 0 * (data[i] as number);
    if (sum === 0) return data;
    const message = `expected numbers in ${name} of ${file.path}, got NaN or infinity among them; take another copy of the weights`;
    throw new CrosscheckError('CROSSCHECK_WEIGHTS_MISMATCH', message);
  };
  return { ...file, read };
}

async function copyTensors(model: ModelState, file: TensorFile): Promise<void> {
  for (const name of file.tensors.keys()) {
    const tensor = model.tensors.get(name);
    if (!tensor) continue;
    const data = await file.read(name);
    const variable = model.variables.get(name) ?? model.buffers.get(name);
    if (variable) assignTorch(variable, tensor, data);
    else model.batchesTracked.set(name, data[0] ?? 0);
  }
}

/** Every tensor of the model in the layout of its checkpoint. Each is read from TensorFlow when its turn to be written comes. */
export function modelTensors(model: ModelState): TensorToWrite[] {
  return [...model.tensors.values()].map((tensor) => ({ ...tensor, data: () => dataOf(model, tensor) }));
}

function dataOf(model: ModelState, tensor: Parameter): Float32Array | BigInt64Array {
  const held = model.variables.get(tensor.name) ?? model.buffers.get(tensor.name);
  return held ? readTorch(held, tensor) : BigInt64Array.of(BigInt(model.batchesTracked.get(tensor.name) ?? 0));
}
