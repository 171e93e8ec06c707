import { parameterNames } from '@crosscheck/network';
import { writeSafetensors } from '@crosscheck/weights';
import { randomWeights } from '../src/graph/random-weights.ts';
import { tinyArchitecture } from './tiny-artifact.ts';

/** A checkpoint with the description given, as another program could write it; none = as PyTorch writes it. */
export async function writeAnyCheckpoint(file: string, description: object | null): Promise<string> {
  const weights = randomWeights(tinyArchitecture, 7);
  const tensors = parameterNames(tinyArchitecture)
    .filter(({ dtype }) => dtype === 'F32')
    .map(({ name: tensor, dtype, shape }) => ({ name: tensor, dtype, shape, data: () => weights.read(tensor) }));
  await writeSafetensors(file, tensors, description ? { crosscheck: JSON.stringify(description) } : {});
  return file;
}
