import { type Html, html, thumbnail } from '@crosscheck/report';
import type { Finding, RowReference } from '../findings.ts';
import { type FindingKind, findingKinds } from '../findings.ts';
import { grouped } from './numbers.ts';

const GROUPS_SHOWN = 6;
const POSTS_SHOWN = 3;
const THUMBNAIL_PIXELS = 300;

/** Every kind of finding with a few of its rows, pictures included. */
export async function evidence(findings: readonly Finding[]): Promise<Html> {
  const byKind = Object.groupBy(findings, ({ kind }) => kind);
  const kinds = Object.keys(findingKinds) as FindingKind[];
  const shown = await Promise.all(kinds.map((kind) => ofKind(kind, byKind[kind] ?? [])));
  const clean = kinds.filter((kind) => byKind[kind] === undefined).map((kind) => findingKinds[kind].split(':')[0]);
  return html`${shown}${clean.length === 0 ? null : html`<p class="callout good">Not found: ${clean.join('; ')}.</p>`}`;
}

async function ofKind(kind: FindingKind, findings: readonly Finding[]): Promise<Html | null> {
  if (findings.length === 0) return null;
  const rows = findings.reduce((sum, finding) => sum + finding.rows.length, 0);
  const groups = rows === findings.length ? '' : ` in ${grouped(findings.length)} groups`;
  const items = await Promise.all(findings.slice(0, GROUPS_SHOWN).map(group));
  return html`<h3 id="${kind}">${findingKinds[kind]}</h3>
<p class="over">${grouped(rows)} rows${groups}${findings.length > GROUPS_SHOWN ? `; the first ${GROUPS_SHOWN}` : ''}</p>
<ul class="evidence">${items}</ul>`;
}

async function group({ rows, detail, kind }: Finding): Promise<Html> {
  const posts = await Promise.all(
    firstOfEachSplit(rows)
      .slice(0, POSTS_SHOWN)
      .map((row) => post(row, rows.length === 1 ? detail : '')),
  );
  const more = rows.length - POSTS_SHOWN;
  return html`<li data-kind="${kind}">${posts}${more > 0 ? html`<p class="over">and ${more} more</p>` : null}</li>`;
}

/** So that an overlap shows its sides. */
function firstOfEachSplit(rows: readonly RowReference[]): RowReference[] {
  const firsts = [...Map.groupBy(rows, ({ split }) => split).values()].map(([first]) => first as RowReference);
  return [...firsts, ...rows.filter((row) => !firsts.includes(row))];
}

async function post({ split, line, label, text, image }: RowReference, detail: string): Promise<Html> {
  const source = image === null ? null : await thumbnail(image, THUMBNAIL_PIXELS);
  const picture = source === null ? html`<span class="none">no picture</span>` : html`<img src="${source}" alt="">`;
  const labelled = label === null ? null : html` · <span class="label-${label.toLowerCase()}">${label}</span>`;
  return html`<div class="post">${picture}<p>${text}</p>${detail === '' ? null : html`<p class="where">${detail}</p>`}<p class="where">${split}:${line}${labelled}</p></div>`;
}
