import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { darkTheme, lightTheme, themeVariables } from '../theme.ts';

const require = createRequire(import.meta.url);

const light = `${themeVariables(lightTheme)};--page:#fbfbfc;--card:#ffffff;--line:#e4e4e9;--text:#1c2024;--soft:#60646c;--good:#18794e;--poor:#b54708`;
const dark = `${themeVariables(darkTheme)};--page:#111113;--card:#18191b;--line:#2e3135;--text:#edeef0;--soft:#b0b4ba;--good:#3dd68c;--poor:#ffa057`;

/** The page's style sheet: one column, cards and figures that wrap, light or dark as the reader's system is. */
export const styles = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
  font-feature-settings:"cv11","ss03";-webkit-text-size-adjust:100%}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:56px}
h1{font-size:clamp(1.7rem,4vw,2.4rem);line-height:1.15;letter-spacing:-.022em;margin:.2em 0 .3em;overflow-wrap:anywhere}
h2{font-size:1.35rem;letter-spacing:-.014em;line-height:1.25;margin:0 0 .7em}
p{max-width:70ch;margin:.4em 0 1em}
.over{color:var(--soft);font-size:.875rem;margin:0}
nav ul{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;padding:14px 0;margin:26px 0 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line);font-size:.9rem}
a{color:var(--plot-accent);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--plot-accent);outline-offset:3px;border-radius:4px}
section{padding:40px 0 8px;scroll-margin-top:8px}
.callout{border-left:3px solid var(--soft);padding:2px 0 2px 14px}
.callout.good{border-color:var(--good)}
.callout.poor{border-color:var(--poor)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px;list-style:none;padding:0;margin:0 0 20px}
.card,figure,.mistake{background:var(--card);border:1px solid var(--line);border-radius:12px}
.card{display:flex;flex-direction:column;padding:14px 16px}
.card .label,.card .range{color:var(--soft);font-size:.82rem}
.card .value{font-size:1.75rem;font-weight:600;letter-spacing:-.02em;line-height:1.3;font-variant-numeric:tabular-nums}
.range{font-variant-numeric:tabular-nums}
.interval{position:relative;display:block;height:4px;min-width:110px;margin:6px 0;border-radius:2px;background:var(--line)}
.interval::before{content:"";position:absolute;inset:0 calc(100% - var(--high)) 0 var(--low);min-width:2px;border-radius:2px;background:var(--plot-accent);opacity:.45}
.interval::after{content:"";position:absolute;top:-3px;left:calc(var(--value) - 1.5px);width:3px;height:10px;border-radius:2px;background:var(--plot-accent)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(var(--least),100%),1fr));gap:14px;margin-bottom:24px}
.small{--least:310px}
.large{--least:430px}
figure{margin:0;padding:14px 16px 10px;min-width:0}
figcaption{font-weight:600;font-size:.95rem;margin-bottom:8px}
figure svg{display:block;width:100%;height:auto;max-height:440px}
.wide svg{width:auto;max-width:none;max-height:none}
.wide{margin-bottom:24px}
.scroll{overflow-x:auto;margin:0 0 20px}
table{border-collapse:collapse;font-size:.875rem;width:100%}
caption{text-align:left;color:var(--soft);padding:0 0 6px;font-size:.82rem}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 48px)}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{color:var(--soft);font-weight:400;white-space:nowrap}
tbody th{font-weight:400}
tbody th:not(.number),td:not(.number){min-width:8.5em}
td.words{min-width:15em}
.number+:not(.number){padding-left:16px}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
details{margin:0 0 20px}
summary{cursor:pointer;color:var(--plot-accent);padding:6px 0;width:fit-content}
.mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(240px,100%),1fr));gap:14px;list-style:none;padding:0;margin:0}
.mistake{overflow:hidden;display:flex;flex-direction:column}
.mistake img,.no-picture{display:block;width:100%;aspect-ratio:4/3;object-fit:contain;background:var(--line)}
.no-picture{display:grid;place-items:center;color:var(--soft);font-size:.875rem}
.mistake blockquote{margin:12px 14px 6px;overflow-wrap:anywhere}
.mistake p{margin:0 14px 10px;font-size:.875rem;color:var(--soft)}
.mistake .source{font-size:.8rem;margin-top:auto}
.mistakes+details{margin-top:18px}
details>.scroll{content-visibility:auto;contain-intrinsic-size:auto 600px}
.label-real{color:var(--plot-real)}
.label-fake{color:var(--plot-fake)}
.passed{color:var(--good)}
.failed{color:var(--poor)}
td>.interval{margin:9px 0}
footer{color:var(--soft);font-size:.82rem;padding-top:24px;padding-bottom:56px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:480px){main,header,footer{padding-left:16px;padding-right:16px}header{padding-top:32px}section{padding-top:30px}
  .cards{grid-template-columns:1fr 1fr}.no-picture{aspect-ratio:4/1}figure{padding:12px 10px 8px}}
@media print{nav{display:none}section{break-inside:avoid-page}body{background:#fff}}
`;

async function fontFace(weight: number): Promise<string> {
  const bytes = await readFile(require.resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`));
  const source = `url(data:font/woff2;base64,${bytes.toString('base64')}) format('woff2')`;
  return `@font-face{font-family:Inter;font-weight:${weight};font-display:swap;src:${source}}`;
}

/** Inter for Latin letters, inside the page (63 kB); other scripts use the reader's own fonts. */
export async function fontFaces(): Promise<string> {
  return (await Promise.all([400, 600].map(fontFace))).join('\n');
}
