import { type Html, html, type Section, trusted } from './html.ts';
import { fontFaces, styles } from './styles.ts';

export interface PageOptions {
  /** Above the title: what kind of page this is. */
  kind: string;
  title: string;
  subtitle: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  description?: string;
  warnings?: readonly string[];
  sections: readonly Section[];
  footer: string;
  /** More CSS of our own making. */
  css?: string;
}

/** Scripts and requests of any kind are off, whatever a caption says. */
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

function head({ title, subtitle, css = '' }: PageOptions, fonts: string): Html {
  return html`<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(contentSecurityPolicy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} ${subtitle}</title>
<style>${trusted(fonts)}${trusted(styles)}${trusted(css)}</style>
</head>`;
}

function banner({ kind, title, subtitle, createdAt, description, warnings = [], sections }: PageOptions): Html {
  return html`<header>
<p class="over">${kind}</p>
<h1>${title}</h1>
<p class="over">${subtitle} · <time datetime="${createdAt}">${createdAt.slice(0, 16).replace('T', ' ')} UTC</time></p>
${description === undefined ? null : html`<p>${description}</p>`}
${warnings.map((warning) => html`<p class="callout poor">${warning}</p>`)}
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
</header>`;
}

/**
 * One HTML page that needs nothing else: fonts and styles are inside, no script runs and no request leaves it. It follows the
 * reader's light or dark setting. Build sections with `html` and `table`, which escape all that came from data.
 */
export async function renderPage(page: PageOptions): Promise<string> {
  const { markup } = html`<!doctype html>
<html lang="en">
${head(page, await fontFaces())}
<body>
${banner(page)}
<main>
${page.sections.map(
  ({ id, heading, body }) => html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${body}
</section>
`,
)}</main>
<footer>${page.footer}</footer>
</body>
</html>
`;
  return markup;
}
