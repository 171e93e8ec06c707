import { type Column, type Html, html, renderPage, type Section, table } from '@crosscheck/report';
import { type Survival, type SurvivalReport, survivalWarning } from '../../download/survival.ts';
import type { AuditReport } from '../audit.ts';
import { liftOf } from '../leaks/properties.ts';
import type { Limit } from '../limits.ts';
import { describeProfile } from '../profile.ts';
import { evidence } from './evidence.ts';
import { histograms } from './histograms.ts';
import { grouped, percent } from './numbers.ts';
import { auditStyles } from './styles.ts';

/**
 * Draws the audit as one page of HTML with thumbnails, which needs nothing else.
 *
 * @param createdAt ISO 8601, UTC
 */
export async function renderAudit(report: AuditReport, title: string, createdAt: string): Promise<string> {
  const rows = report.files.reduce((sum, { rows: count }) => sum + count, 0);
  const broken = report.limits.filter(({ isBroken }) => isBroken);
  const sections: (Section | null)[] = [
    { id: 'limits', heading: 'Verdict', body: limits(report) },
    { id: 'posts', heading: 'Posts', body: posts(report) },
    report.survival && { id: 'survival', heading: 'What was lost on the way', body: survival(report.survival) },
    { id: 'findings', heading: 'Findings', body: await evidence(report.findings) },
    { id: 'words', heading: 'Words that give the label away', body: words(report) },
    { id: 'properties', heading: 'What else tells the label', body: properties(report) },
    { id: 'distributions', heading: 'Sizes and lengths', body: histograms(report.distributions) },
  ];
  return renderPage({
    kind: 'Crosscheck data audit',
    title,
    subtitle: `${grouped(rows)} rows in ${report.files.length} splits`,
    createdAt,
    description:
      broken.length === 0
        ? 'No limit is broken.'
        : `${broken.length} of ${report.limits.length} limits are broken: ${broken.map(({ name }) => name).join(', ')}.`,
    sections: sections.filter((section) => section !== null),
    footer: '0 = REAL, 1 = FAKE. Leak tests learn from the first split and are judged by the others.',
    css: auditStyles,
  });
}

function limits({ limits: rows, profile }: AuditReport): Html {
  const sorted = [...rows].sort((a, b) => Number(b.isBroken) - Number(a.isBroken));
  return table<Limit>(
    `Limits of ${describeProfile(profile)}. Each can be set: max_<name>=…, negative for none`,
    [
      { heading: 'limit', cell: ({ name }) => html`<code>${name}</code>` },
      { heading: 'what', isWords: true, cell: ({ what }) => what },
      { heading: 'found', isNumber: true, cell: ({ value, isCount }) => (isCount ? value : percent(value, 2)) },
      {
        heading: 'allowed',
        isNumber: true,
        cell: ({ limit, isCount }) => (limit === null ? 'any' : isCount ? limit : percent(limit, 2)),
      },
      {
        heading: '',
        cell: ({ isBroken }) =>
          html`<span class="${isBroken ? 'failed' : 'passed'}">${isBroken ? 'broken' : 'holds'}</span>`,
      },
    ],
    sorted,
  );
}

function posts({ files, classes }: AuditReport): Html {
  const rows = files.map((file, i) => ({ ...file, ...(classes[i] as (typeof classes)[number]) }));
  return table(
    'Usable posts by class',
    [
      { heading: 'split', cell: ({ split }) => split },
      { heading: 'rows', isNumber: true, cell: (row) => grouped(row.rows) },
      { heading: 'usable', isNumber: true, cell: ({ usable }) => grouped(usable) },
      { heading: 'REAL', isNumber: true, cell: ({ real }) => grouped(real) },
      { heading: 'FAKE', isNumber: true, cell: ({ fake }) => grouped(fake) },
      { heading: 'share of FAKE', isNumber: true, cell: ({ shareFake }) => percent(shareFake) },
      { heading: 'file', cell: ({ file }) => html`<code>${file}</code>` },
      { heading: 'sha256', cell: ({ digest }) => html`<code>${digest.slice(0, 12)}</code>` },
    ],
    rows,
  );
}

const DOMAINS_SHOWN = 15;

const survivalColumns: Column<Survival>[] = [
  { heading: '', cell: ({ name }) => name },
  { heading: 'rows', isNumber: true, cell: (row) => grouped(row.rows) },
  { heading: 'kept', isNumber: true, cell: ({ kept }) => grouped(kept) },
  { heading: 'share', isNumber: true, cell: ({ share }) => html`${meter(share)}${percent(share)}` },
];

function survival(lost: SurvivalReport): Html {
  const warning = survivalWarning(lost);
  return html`<p class="callout ${warning === null ? 'good' : 'poor'}">${warning ?? 'Both classes kept the same share of their rows, as far as can be told.'}</p>
${table('By class', survivalColumns, lost.byClass)}
${table('By the host of the picture', survivalColumns, lost.byDomain.slice(0, DOMAINS_SHOWN))}
${table('By host and class', survivalColumns, lost.byDomainAndClass.slice(0, DOMAINS_SHOWN))}
${table(
  'Fates',
  [
    { heading: 'fate', cell: ({ fate }) => html`<code>${fate}</code>` },
    { heading: 'rows', isNumber: true, cell: (row) => grouped(row.rows) },
  ],
  lost.byFate,
)}`;
}

const meter = (share: number) => html`<span class="meter"><i style="--h:${(share * 100).toFixed(1)}"></i></span>`;

function words({ words: leak }: AuditReport): Html {
  const { accuracy, baseline, posts: judged } = leak.bagOfWords;
  const revealing = new Set(leak.revealing.map(({ word }) => word));
  const rows = [...leak.revealing, ...leak.top.filter(({ word }) => !revealing.has(word))].slice(0, 40);
  return html`<p>A bag of words, which cannot know whether the words fit the picture, is right on ${percent(accuracy.value)}
(95 % interval ${percent(accuracy.low)} to ${percent(accuracy.high)}) of ${grouped(judged)} held-out posts; the best constant guess
is right on ${percent(baseline)}. Words or pairs that nearly always go with one label: ${leak.revealing.length}; ${percent(leak.revealed)} of the posts hold one.</p>
${table(
  'The most telling words and pairs, by mutual information',
  [
    { heading: 'word', cell: ({ word }) => word },
    { heading: 'posts', isNumber: true, cell: (row) => grouped(row.posts) },
    {
      heading: 'share of FAKE',
      isNumber: true,
      cell: ({ shareFake }) => html`${meter(shareFake)}${percent(shareFake)}`,
    },
    { heading: 'bits', isNumber: true, cell: ({ bits }) => bits.toFixed(4) },
    {
      heading: '',
      cell: ({ isRevealing }) => (isRevealing ? html`<span class="failed">gives the label away</span>` : null),
    },
  ],
  rows,
)}`;
}

function properties({ properties: leaks }: AuditReport): Html {
  return table(
    'What one property or column alone gets right on held-out posts',
    [
      { heading: 'name', cell: ({ name }) => name },
      { heading: 'kind', cell: ({ kind }) => kind },
      {
        heading: 'accuracy',
        isNumber: true,
        cell: ({ accuracy }) => html`${meter(accuracy.value)}${percent(accuracy.value)}`,
      },
      { heading: 'above the best constant guess', isNumber: true, cell: (leak) => percent(liftOf(leak)) },
      {
        heading: 'must not be a feature',
        isWords: true,
        cell: ({ reason }) => (reason === null ? null : html`<span class="failed">${reason}</span>`),
      },
    ],
    leaks,
  );
}
