import { ablationSection } from './page/ablations.ts';
import { fontFaces } from './page/fonts.ts';
import { type Html, html, type Section, trusted } from './page/html.ts';
import { mistakeSection } from './page/mistakes.ts';
import { resultSection } from './page/result.ts';
import { configSection, environmentSection } from './page/settings.ts';
import { styles } from './page/styles.ts';
import { trainingSection } from './page/training.ts';
import { calibrationSection, checkSection, groupSection, verdictSection } from './page/verdicts.ts';
import type { ReportData } from './report-data.ts';

async function evaluationSections({ evaluation, groups, ablations, checks }: ReportData): Promise<Section[]> {
  if (evaluation === undefined) return ablations === undefined ? [] : [ablationSection(ablations)];
  return [
    resultSection(evaluation),
    ...(ablations === undefined ? [] : [ablationSection(ablations)]),
    await verdictSection(evaluation),
    await calibrationSection(evaluation),
    ...(groups === undefined ? [] : [groupSection(evaluation, groups)]),
    ...(checks === undefined ? [] : [checkSection(checks)]),
  ];
}

async function sectionsOf(data: ReportData): Promise<Section[]> {
  const { epochs = [], mistakes = [], config, configOrigins, environment } = data;
  return [
    ...(await evaluationSections(data)),
    ...(mistakes.length > 0 ? [await mistakeSection(mistakes)] : []),
    ...(epochs.length > 0 ? [await trainingSection(data)] : []),
    ...(config === undefined ? [] : [configSection(config, configOrigins)]),
    ...(environment === undefined ? [] : [environmentSection(environment)]),
  ];
}

/** Scripts and requests of any kind are off, whatever a caption says. */
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

function head({ title, version }: ReportData, fonts: string): Html {
  return html`<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(contentSecurityPolicy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} ${version}</title>
<style>${trusted(fonts)}${trusted(styles)}</style>
</head>`;
}

function banner({ title, version, createdAt, description, warnings = [] }: ReportData, sections: Section[]): Html {
  return html`<header>
<p class="over">Crosscheck report</p>
<h1>${title}</h1>
<p class="over">version ${version} · <time datetime="${createdAt}">${createdAt.slice(0, 16).replace('T', ' ')} UTC</time></p>
${description === undefined ? null : html`<p>${description}</p>`}
${warnings.map((warning) => html`<p class="callout poor">${warning}</p>`)}
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
</header>`;
}

/**
 * Writes the report of a run or an evaluation as one HTML page that needs nothing else: fonts, plots and pictures are inside, no script runs
 * and no request leaves it. It follows the reader's light or dark setting. All text from data is escaped.
 *
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 * @example writeFileSync('report.html', await renderReport({ title: 'Two phases', version: '1.0', createdAt, epochs, evaluation }));
 */
export async function renderReport(data: ReportData): Promise<string> {
  const [sections, fonts] = await Promise.all([sectionsOf(data), fontFaces()]);
  const page = html`<!doctype html>
<html lang="en">
${head(data, fonts)}
<body>
${banner(data, sections)}
<main>
${sections.map(
  ({ id, heading, body }) => html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${body}
</section>
`,
)}</main>
<footer>0 = REAL, 1 = FAKE. FAKE is the positive class; a verdict is FAKE when the probability is strictly above the threshold.</footer>
</body>
</html>
`;
  return page.markup;
}
