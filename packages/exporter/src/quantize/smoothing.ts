// SmoothQuant (Xiao et al. 2023, https://arxiv.org/abs/2211.10438): a channel that reaches far in the activations and not in the weights that read
// it gives some of its reach to them. Exact before rounding, and both round better.

/**
 * By what each channel is divided: the root of how far its activations reach over how far the weights that read it do, 1 in the middle.
 *
 * @param activations [K] largest magnitudes
 * @param weights [K] largest magnitudes
 */
export function smoothingOf(activations: Float32Array, weights: Float32Array): Float32Array {
  const ratios = activations.map((a, k) => {
    const w = weights[k] as number;
    return a > 0 && w > 0 ? Math.sqrt(a / w) : 0;
  });
  const used = ratios.filter((ratio) => ratio > 0).sort();
  const middle = used[used.length >> 1] ?? 1;
  return ratios.map((ratio) => (ratio > 0 ? ratio / middle : 1));
}

/** The largest magnitude of each channel, over all rows: [.., K] → [K], merged into what was seen before. */
export function observeColumns(seen: Float32Array, values: Float32Array): void {
  for (let i = 0, k = 0; i < values.length; i++) {
    seen[k] = Math.max(seen[k] as number, Math.abs(values[i] as number));
    if (++k === seen.length) k = 0;
  }
}
