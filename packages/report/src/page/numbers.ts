import type { Estimate } from '@crosscheck/evaluation';

const unknown = 'n/a';

/** Three decimals, or `n/a` where the rows could not answer. */
export function formatMetric(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? unknown : value.toFixed(3);
}

export function formatInterval({ low, high }: Estimate): string {
  return Number.isNaN(low) || Number.isNaN(high) ? unknown : `${low.toFixed(3)} – ${high.toFixed(3)}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** Learning rates and other values over many magnitudes. */
export function formatRate(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return unknown;
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(2) : value.toPrecision(3);
}
