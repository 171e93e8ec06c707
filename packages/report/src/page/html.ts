/** Markup that is safe to put into a page: made by `html`, or trusted on purpose with `trusted`. */
export interface Html {
  readonly markup: string;
}

type Child = Html | string | number | null | undefined | readonly Child[];

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand between tags and in quoted attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] as string);
}

function markupOf(child: Child): string {
  if (child === null || child === undefined) return '';
  if (typeof child === 'string') return escapeHtml(child);
  if (typeof child === 'number') return String(child);
  return 'markup' in child ? child.markup : child.map(markupOf).join('');
}

/** Builds markup; every value that is not markup itself is escaped. */
export function html(strings: TemplateStringsArray, ...children: Child[]): Html {
  return { markup: String.raw({ raw: strings }, ...children.map(markupOf)) };
}

/** Marks a string of our own making as markup. Never for anything that came from data. */
export function trusted(markup: string): Html {
  return { markup };
}

export interface Column<Row> {
  heading: string;
  /** Numbers stand to the right. */
  isNumber?: boolean;
  /** Whole sentences need room on a narrow screen. */
  isWords?: boolean;
  cell(row: Row): Child;
}

/** A table with a caption, its first column as row headings, scrolling sideways where the screen is narrow. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const side = ({ isNumber, isWords }: Column<Row>) => {
    if (isNumber) return trusted(' class="number"');
    return trusted(isWords ? ' class="words"' : '');
  };
  const cells = (row: Row) =>
    columns.map((column, i) =>
      i === 0
        ? html`<th scope="row"${side(column)}>${column.cell(row)}</th>`
        : html`<td${side(column)} data-heading="${column.heading}">${column.cell(row)}</td>`,
    );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map((column) => html`<th scope="col"${side(column)}>${column.heading}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody>
</table></div>`;
}

export interface Section {
  id: string;
  heading: string;
  body: Html;
}
