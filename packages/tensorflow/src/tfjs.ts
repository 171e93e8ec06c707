import './open.ts';
import { memory as memoryOfAll } from '@tensorflow/tfjs-node-gpu';
import { countConstants } from './constants.ts';

export * from '@tensorflow/tfjs-node-gpu';

/** As tfjs counts, without the constants: those live as long as the process. */
export function memory(): ReturnType<typeof memoryOfAll> {
  const counted = memoryOfAll();
  return { ...counted, numTensors: counted.numTensors - countConstants() };
}
