import { type Html, html } from '@crosscheck/report';
import type { Distribution } from '../distributions.ts';

/** One histogram per measure, both classes side by side, each as a share of its class. */
export function histograms(distributions: readonly Distribution[]): Html {
  return html`<div class="histograms">${distributions.map(histogram)}</div>`;
}

function histogram({ name, edges, counts, medians }: Distribution): Html {
  const classes = Object.entries(counts).map(([label, bins]) => {
    const all = Math.max(
      1,
      bins.reduce((sum, count) => sum + count, 0),
    );
    return { label, shares: bins.map((count) => count / all) };
  });
  const tallest = Math.max(1e-9, ...classes.flatMap(({ shares }) => shares));
  const bins = edges.map((_, bin) => {
    const bars = classes.map(({ label, shares }) => {
      const height = (((shares[bin] as number) / tallest) * 100).toFixed(1);
      return html`<i class="${label.toLowerCase()}" style="--h:${height}"></i>`;
    });
    return html`<div class="bin">${bars}</div>`;
  });
  const keys = Object.entries(medians).map(
    ([label, median]) => html`<span><i class="${label.toLowerCase()}"></i>${label}, median ${round(median)} </span> `,
  );
  return html`<figure><figcaption>${name}</figcaption><div class="bars" aria-hidden="true">${bins}</div>
<div class="edges" aria-hidden="true">${edges.map((edge) => html`<span>${edge}</span>`)}</div><p class="key">${keys}</p></figure>`;
}

function round(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–';
}
