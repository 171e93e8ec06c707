/** Shares as people read them. */
export function percent(share: number, digits = 1): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : '–';
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
