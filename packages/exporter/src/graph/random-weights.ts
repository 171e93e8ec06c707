import { type Architecture, createRandom } from '@crosscheck/contract';
import { elementCount, parameterNames, type WeightSource } from '@crosscheck/network';

/**
 * Untrained weights of any architecture, each drawn when asked for: for benchmarks and tests, where speed and agreement matter
 * and verdicts do not. Scales keep activations of order one.
 */
export function randomWeights(architecture: Architecture, seed: number): WeightSource {
  const shapes = new Map(parameterNames(architecture).map(({ name, shape }) => [name, shape]));
  const shape = (name: string) => shapes.get(name) as readonly number[];
  return { shape, read: async (name) => drawTensor(name, shape(name), seed) };
}

function drawTensor(name: string, shape: readonly number[], seed: number): Float32Array {
  const random = createRandom(seed, 'random-weights', name);
  const size = elementCount(shape);
  const { center, spread } = distribution(name, size / (shape[0] ?? 1), shape.length);
  return Float32Array.from({ length: size }, () => center + spread * (2 * random.next() - 1));
}

/** Uniform within center ± spread; weights of rank ≥ 2 keep the variance of what goes through them. */
function distribution(name: string, fanIn: number, rank: number): { center: number; spread: number } {
  if (name.endsWith('running_var')) return { center: 1, spread: 0.5 };
  if (name.includes('_embeddings.')) return { center: 0, spread: 1 };
  if (rank > 1) return { center: 0, spread: Math.sqrt((name.includes('features') ? 6 : 3) / fanIn) };
  return { center: name.endsWith('.weight') ? 1 : 0, spread: 0.1 };
}
