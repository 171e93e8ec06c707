import { type Value, valuesOf } from '@crosscheck/network';

/** Which values of a network are needed for what, once it is known which parameters learn. */
export interface Plan {
  output: Value;
  /** In the order in which they are computed. */
  values: readonly Value[];
  /** Has a gradient: a parameter learns here or before, or it is an input whose gradient is asked for. */
  learns(value: Value): boolean;
  /** Is kept from the forward to the backward pass. */
  isKept(value: Value): boolean;
  /** Layers that read it on the way forward. */
  readers: ReadonlyMap<number, number>;
}

/**
 * @param learns whether the gradient of a parameter is asked for
 * @param asked inputs whose gradients are asked for
 */
export function planOf(output: Value, learns: (parameter: string) => boolean, asked: readonly Value[] = []): Plan {
  const values = valuesOf(output);
  const learning = new Set(asked.map(({ id }) => id));
  const readers = new Map<number, number>();
  for (const { id, inputs, parameters } of values) {
    if (parameters.some(({ name }) => learns(name)) || inputs.some((input) => learning.has(input.id))) learning.add(id);
    for (const input of inputs) readers.set(input.id, (readers.get(input.id) ?? 0) + 1);
  }
  const kept = keptValues(values, learning);
  return {
    output,
    values,
    readers,
    learns: ({ id }) => learning.has(id),
    isKept: ({ id }) => kept.has(id),
  };
}

/**
 * What backward passes read is kept, unless its layer computes it once more from what is kept anyway. Nothing before the first parameter that
 * learns is computed again: of that nothing is kept.
 */
function keptValues(values: readonly Value[], learning: ReadonlySet<number>): Set<number> {
  const [needed, kept] = [new Set<number>(), new Set<number>()];
  for (const { id, layer, inputs } of values.toReversed()) {
    const isLearning = learning.has(id);
    if (isLearning && layer.reads === 'output') kept.add(id);
    const isAgain = needed.has(id) && isLearning && layer.again !== undefined && !kept.has(id);
    if (needed.has(id) && !isAgain) kept.add(id);
    if ((isLearning && layer.reads === 'inputs') || isAgain) for (const input of inputs) needed.add(input.id);
  }
  return kept;
}
