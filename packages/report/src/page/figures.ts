import { type Plot, type PlotSpec, renderSvg } from '../plot.ts';
import { pageTheme } from '../theme.ts';
import { type Html, html, trusted } from './html.ts';

/** Room for axes and legend around the plot area. */
const margin = { width: 44, height: 60 };

/** The same outer size for all, so that text is equally large in neighbouring plots. */
function fitted(plot: Plot): Plot {
  const fit = ({ width, height, ...spec }: PlotSpec): PlotSpec => ({
    ...spec,
    width: Number(width) + margin.width,
    height: Number(height) + margin.height,
    autosize: { type: 'fit', contains: 'padding' },
  });
  return { ...plot, spec: (theme) => fit(plot.spec(theme)) };
}

async function figure(plot: Plot): Promise<Html> {
  const svg = await renderSvg(fitted(plot), pageTheme);
  return html`<figure><figcaption>${plot.title}</figcaption>${trusted(svg)}</figure>`;
}

/** Plots side by side: three small or two large ones on a wide screen, one on a narrow. */
export async function figures(plots: readonly (Plot | null)[], size: 'small' | 'large'): Promise<Html> {
  const drawn = await Promise.all(plots.filter((plot) => plot !== null).map(figure));
  return html`<div class="figures ${size}">${drawn}</div>`;
}

/** A plot as wide as the page, which scrolls sideways where the screen is narrow. */
export async function wideFigure(plot: Plot): Promise<Html> {
  const svg = await renderSvg(plot, pageTheme);
  return html`<figure class="wide"><figcaption>${plot.title}</figcaption><div class="scroll" role="region" tabindex="0" aria-label="${plot.title}">${trusted(svg)}</div></figure>`;
}
