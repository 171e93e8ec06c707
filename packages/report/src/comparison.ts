import { comparisonSection } from './page/comparison.ts';
import { figures } from './page/figures.ts';
import { html, type Section, table } from './page/html.ts';
import { renderPage } from './page/page.ts';
import { comparedCurves, type NamedEpochs } from './plots/compared-curves.ts';
import type { JudgedPair } from './report-data.ts';

/** Something that may differ between two runs; null where a run does not have it. */
export interface ComparedSetting {
  key: string;
  values: readonly [string | null, string | null];
}

/** Two runs, the second against the first. */
export interface ComparisonData {
  names: readonly [string, string];
  createdAt: string;
  /** Left out where the section of the comparison says it. */
  description?: string;
  warnings: readonly string[];
  /** What each run is: name → fact. */
  runs: readonly ComparedSetting[];
  /** Null where they judged no split in common. */
  judged: JudgedPair | null;
  curves: readonly NamedEpochs[];
  /** Config keys whose values differ. */
  settings: readonly ComparedSetting[];
  /** sha256 of each split's CSV. */
  data: readonly ComparedSetting[];
}

function settingTable(caption: string, names: ComparisonData['names'], rows: readonly ComparedSetting[]) {
  const side = (which: 0 | 1) => ({
    heading: names[which],
    cell: ({ values }: ComparedSetting) => html`<code>${values[which] ?? '(not set)'}</code>`,
  });
  return table(
    caption,
    [{ heading: 'key', cell: ({ key }: ComparedSetting) => html`<code>${key}</code>` }, side(0), side(1)],
    rows,
  );
}

function settingSection({ names, settings }: ComparisonData): Section {
  const body =
    settings.length === 0
      ? html`<p>None: both ran with the same config.</p>`
      : settingTable('Config keys whose values differ', names, settings);
  return { id: 'settings', heading: 'Settings that differ', body };
}

async function sectionsOf(data: ComparisonData): Promise<Section[]> {
  const { names, judged, curves, runs, data: files } = data;
  const plots = comparedCurves(curves);
  return [
    ...(judged === null ? [] : [await comparisonSection(judged)]),
    ...(plots.length === 0 ? [] : [{ id: 'curves', heading: 'Curves', body: await figures(plots, 'small') }]),
    settingSection(data),
    ...(files.length === 0
      ? []
      : [{ id: 'data', heading: 'Data', body: settingTable('Posts, by the sha256 of their CSV', names, files) }]),
    { id: 'runs', heading: 'The runs', body: settingTable('What each run is', names, runs) },
  ];
}

/** Two runs as one HTML page that needs nothing else; see `renderReport`. */
export async function renderComparison(data: ComparisonData): Promise<string> {
  const { names, createdAt, description, warnings } = data;
  return renderPage({
    kind: 'Crosscheck comparison',
    title: `${names[1]} against ${names[0]}`,
    subtitle: 'differences are the second minus the first',
    createdAt,
    ...(description !== undefined && { description }),
    warnings,
    sections: await sectionsOf(data),
    footer: '0 = REAL, 1 = FAKE. FAKE is the positive class. Intervals hold the truth 95 times in 100.',
  });
}
