import { labelNames } from '@crosscheck/contract';
import { thumbnail } from '../thumbnails.ts';
import { type Column, type Html, html, table } from './html.ts';
import { formatCount } from './numbers.ts';

/** What is shown of any post. */
export interface ShownPost {
  /** Path or bytes of the picture; null when there is none. */
  image: string | Uint8Array | null;
  caption: string;
  label: 0 | 1;
  source?: string;
}

export interface PostList<Post extends ShownPost> {
  posts: readonly Post[];
  /** What was said of a post, beside its true label. */
  finding(post: Post): string;
  /** Columns of the tables behind the pictures, between the place of a post and its words. */
  columns: readonly Column<Post>[];
}

/** So many posts are shown with their pictures, the first few at once; all others stand in tables of so many rows. */
const [openCards, allCards, tableRows] = [12, 48, 500];

/** Captions longer than this are cut on cards, and in tables. */
const [cardCharacters, rowCharacters] = [280, 120];

/**
 * All posts of a list that may be long: cards with pictures for the first, tables that are laid out when they are opened for the rest. So a page of
 * ten thousand posts stays as quick as one of ten.
 */
export async function postList<Post extends ShownPost>(list: PostList<Post>): Promise<Html> {
  const { posts } = list;
  const cards = await Promise.all(posts.slice(0, allCards).map((post) => card(post, list.finding(post))));
  const more = cards.slice(openCards);
  return html`<ul class="mistakes">${cards.slice(0, openCards)}</ul>
${more.length === 0 ? null : html`<details><summary>${rangeOf(openCards, cards.length, posts.length)}, with pictures</summary><ul class="mistakes">${more}</ul></details>`}
${chunksOf(posts).map(([begin, rows]) => rowTable(begin, rows, list))}`;
}

function chunksOf<Post>(posts: readonly Post[]): [begin: number, rows: Post[]][] {
  const count = Math.max(0, Math.ceil((posts.length - allCards) / tableRows));
  return Array.from({ length: count }, (_, i) => {
    const begin = allCards + i * tableRows;
    return [begin, posts.slice(begin, begin + tableRows)];
  });
}

const rangeOf = (begin: number, end: number, total: number) =>
  `${formatCount(begin + 1)} to ${formatCount(end)} of ${formatCount(total)}`;

function rowTable<Post extends ShownPost>(begin: number, rows: readonly Post[], { posts, columns }: PostList<Post>) {
  const range = rangeOf(begin, begin + rows.length, posts.length);
  const all: Column<Post>[] = [
    { heading: 'post', cell: ({ source = '' }) => source },
    { heading: 'truly', cell: ({ label }) => labelNames[label] },
    ...columns,
    { heading: 'words', isWords: true, cell: ({ caption }) => shorten(caption, rowCharacters) },
  ];
  return html`<details><summary>${range}</summary>${table(range, all, rows)}</details>`;
}

function shorten(caption: string, length: number): string {
  const characters = Array.from(caption.slice(0, 4 * length));
  return characters.length <= length ? caption : `${characters.slice(0, length).join('')}…`;
}

async function picture({ image, caption }: ShownPost): Promise<Html> {
  const uri = image === null ? null : await thumbnail(image);
  if (uri === null)
    return html`<div class="no-picture">${image === null ? 'no picture' : 'picture cannot be read'}</div>`;
  return html`<img src="${uri}" alt="Picture posted with the caption: ${shorten(caption, cardCharacters)}" loading="lazy">`;
}

async function card(post: ShownPost, finding: string): Promise<Html> {
  const { caption, label, source } = post;
  return html`<li class="mistake">${await picture(post)}
<blockquote>${caption.trim() === '' ? html`<em>no words</em>` : shorten(caption, cardCharacters)}</blockquote>
<p><strong class="label-${labelNames[label].toLowerCase()}">Truly ${labelNames[label]}</strong>, ${finding}</p>
${source === undefined ? null : html`<p class="source">${source}</p>`}</li>`;
}
