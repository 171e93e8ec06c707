import { labelNames } from '@crosscheck/contract';
import { type Html, html, renderPage, table, thumbnail } from '@crosscheck/report';
import { describeTrust, type SuspectReport, whereOf } from './show.ts';

type Suspect = SuspectReport['learnt']['suspects'][number];

/** Two cards and the whole table beside each other on a phone. */
const narrow = `
@media (max-width:480px){.mistakes{grid-template-columns:1fr 1fr;gap:10px}.mistake blockquote{margin:8px 10px 4px;font-size:.85rem}
  .mistake p{margin:0 10px 8px;font-size:.8rem}thead th{white-space:normal}tbody th:not(.number){min-width:0}}
`;

/** Captions longer than this are cut. */
const CAPTION = 280;

/**
 * Draws the first suspects with their images as one page of HTML, which needs nothing else.
 *
 * @param createdAt ISO 8601, UTC
 */
export async function renderSuspects(report: SuspectReport, shown: number, createdAt: string): Promise<string> {
  const { learnt, samples, warnings } = report;
  const first = learnt.suspects.slice(0, shown);
  const cards = await Promise.all(first.map((suspect, i) => card(suspect, i + 1, report)));
  return renderPage({
    kind: 'Crosscheck label suspects',
    title: `${learnt.suspects.length} of ${samples.length} labels are contradicted`,
    subtitle: 'the most suspicious first',
    createdAt,
    description: `${describeTrust(report)}. No label was changed: look from the top until most labels are right, and correct the CSV by hand.`,
    warnings,
    sections: [
      {
        id: 'suspects',
        heading: first.length < learnt.suspects.length ? `The first ${first.length}` : 'All of them',
        body:
          cards.length === 0
            ? html`<p class="callout good">Nothing contradicts the labels.</p>`
            : html`<ul class="mistakes">${cards}</ul>`,
      },
      { id: 'joint', heading: 'How many labels are wrong', body: joint(report) },
    ],
    css: narrow,
    footer:
      'Confident learning (Northcutt, Jiang and Chuang 2021): a row counts as of a label when that label’s probability reaches its mean among the rows that have it.',
  });
}

async function card(
  { row, label, suggested, probability }: Suspect,
  rank: number,
  { samples }: SuspectReport,
): Promise<Html> {
  const sample = samples[row] as SuspectReport['samples'][number];
  const source = sample.imagePath === '' ? null : await thumbnail(sample.imagePath);
  const characters = Array.from(sample.text);
  const caption = characters.length <= CAPTION ? sample.text : `${characters.slice(0, CAPTION).join('')}…`;
  const [given, other] = [labelNames[label], labelNames[suggested]];
  const image =
    source === null
      ? html`<div class="no-picture">no image</div>`
      : html`<img src="${source}" alt="Image of the post: ${caption}" loading="lazy">`;
  return html`<li class="mistake">${image}
<blockquote>${caption.trim() === '' ? html`<em>no text</em>` : caption}</blockquote>
<p>${rank}. Labelled <strong class="label-${given.toLowerCase()}">${given}</strong>, rather <strong class="label-${other.toLowerCase()}">${other}</strong> with ${(100 * probability).toFixed(1)}\u00a0%</p>
<p class="source">${whereOf(sample)}</p></li>`;
}

function joint({ learnt }: SuspectReport): Html {
  return table(
    'Rows that are confidently of a label, by the label that they have',
    [
      { heading: 'labelled', cell: ({ label }) => label },
      { heading: 'surely REAL', isNumber: true, cell: ({ counts }) => counts[0] },
      { heading: 'surely FAKE', isNumber: true, cell: ({ counts }) => counts[1] },
      { heading: 'estimated wrong', isNumber: true, cell: ({ noise }) => `${(100 * noise).toFixed(1)} %` },
    ],
    labelNames.map((label, i) => ({
      label,
      counts: learnt.joint[i] as [number, number],
      noise: learnt.noise[i] as number,
    })),
  );
}
