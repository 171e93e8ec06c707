import { loadTextMeasure, weightOf } from './text-outlines.ts';
import { lightTheme, plotConfig, type Theme } from './theme.ts';

/** A Vega-Lite unit, layer or concat block without data binding to files: everything it shows is in it. */
export type PlotSpec = Record<string, unknown>;

/** A picture before it is drawn. The same plot becomes a PNG, a stand-alone SVG, or part of the HTML report. */
export interface Plot {
  title: string;
  /** What the picture says, for those who do not see it. */
  alt: string;
  spec(theme: Theme): PlotSpec;
}

/** The hook that Vega keeps for environments without a canvas; its own guess is half as wide again as Inter is. */
interface TextMetrics {
  width(item: { fontSize?: number; fontWeight?: unknown }, text: unknown): number;
}

async function loadVega() {
  const [vega, { compile }, measure] = await Promise.all([import('vega'), import('vega-lite'), loadTextMeasure()]);
  const { textMetrics } = vega as unknown as { textMetrics: TextMetrics };
  textMetrics.width = ({ fontSize = 11, fontWeight }, text) => measure(String(text), fontSize, weightOf(fontWeight));
  return { vega, compile };
}

let loaded: ReturnType<typeof loadVega> | undefined;

/** Draws a plot as SVG. Vega is loaded on the first call. */
export async function renderSvg(plot: Plot, theme: Theme = lightTheme): Promise<string> {
  loaded ??= loadVega();
  const { vega, compile } = await loaded;
  const spec = { config: plotConfig(theme), ...plot.spec(theme) };
  const view = new vega.View(vega.parse(compile(spec as never).spec), { renderer: 'none' });
  try {
    return describe(await view.toSVG(), plot);
  } finally {
    view.finalize();
  }
}

/** Marks the SVG as one picture with a name, in place of Vega's per-mark roles. */
function describe(svg: string, plot: Plot): string {
  const label = plot.alt.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
  return svg.replace('class="marks"', `role="img" aria-label="${label}"`);
}
