import { labelNames } from '@crosscheck/contract';
import type { Mistake } from '../report-data.ts';
import { thumbnail } from '../thumbnails.ts';
import { type Html, html, type Section } from './html.ts';

/** Captions longer than this are cut in the page. */
const captionCharacters = 280;

function shorten(caption: string): string {
  const characters = Array.from(caption);
  return characters.length <= captionCharacters ? caption : `${characters.slice(0, captionCharacters).join('')}…`;
}

async function picture({ image, caption }: Mistake): Promise<Html> {
  const uri = image === null ? null : await thumbnail(image);
  if (uri === null)
    return html`<div class="no-picture">${image === null ? 'no picture' : 'picture cannot be read'}</div>`;
  return html`<img src="${uri}" alt="Picture posted with the caption: ${shorten(caption)}" loading="lazy">`;
}

async function mistakeCard(mistake: Mistake): Promise<Html> {
  const { caption, label, probability, source } = mistake;
  const said = labelNames[label === 1 ? 0 : 1];
  const confidence = label === 1 ? 1 - probability : probability;
  return html`<li class="mistake">${await picture(mistake)}
<blockquote>${caption.trim() === '' ? html`<em>no words</em>` : shorten(caption)}</blockquote>
<p><strong class="label-${labelNames[label].toLowerCase()}">Truly ${labelNames[label]}</strong>, judged ${said} with ${(100 * confidence).toFixed(1)}\u00a0%</p>
${source === undefined ? null : html`<p class="source">${source}</p>`}</li>`;
}

/** The wrong verdicts that the model was surest of, with their pictures and captions. */
export async function mistakeSection(mistakes: readonly Mistake[]): Promise<Section> {
  return {
    id: 'mistakes',
    heading: 'Most confident mistakes',
    body: html`<ul class="mistakes">${await Promise.all(mistakes.map(mistakeCard))}</ul>`,
  };
}
