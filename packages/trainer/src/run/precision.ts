// Imports nothing of TensorFlow: the choice must be made before it is loaded.
import type { TensorflowInfo } from '@crosscheck/tensorflow';

/**
 * Chooses how exact float32 matrix products are on a GPU: with mixed precision TF32, TensorFlow's own default there (10 bits of mantissa), else
 * float32 throughout. Whoever has set NVIDIA_TF32_OVERRIDE has chosen already.
 */
export function choosePrecision(isMixed: boolean): void {
  if (!isMixed) process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
}

/** What `training.mixed_precision` does on this machine, for the log; null when it is off and nothing has to be said. */
export function describePrecision(isMixed: boolean, { device }: Pick<TensorflowInfo, 'device'>): string | null {
  if (!isMixed) return null;
  const others = device === 'GPU' ? 'other products and convolutions in TF32, ' : '';
  return `mixed precision: matrix products of a text backbone that learns in bfloat16, ${others}everything else in float32`;
}
