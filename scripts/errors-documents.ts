// `pnpm docs:errors`: writes what documents say of errors from the table in packages/contract, docs/errors.md and the list of statuses in
// docs/serving.md. A test holds them equal.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { answeredErrors, type ErrorRow, errorSections } from '../packages/contract/src/index.ts';

const root = path.resolve(import.meta.dirname, '..');
const cell = (text: string) => text.replaceAll('|', '\\|');

const head = `# Errors

Every error that Crosscheck throws on purpose has a code that never changes its meaning. This page is made from the table in
\`packages/contract/src/errors/codes\` by \`pnpm docs:errors\`. A code with a status also travels in answers of the [service](serving.md).
`;

function sectionText([name, rows]: [string, Readonly<Record<string, ErrorRow>>]): string {
  const lines = Object.entries(rows).map(
    ([code, { status = '', meaning, remedy }]) => `| \`${code}\` | ${status} | ${cell(meaning)} | ${cell(remedy)} |`,
  );
  return [`## ${name}`, '', '| code | status | when | what to do |', '|---|---|---|---|', ...lines].join('\n');
}

const statusTable = [
  '| status | code |',
  '|---|---|',
  ...Object.entries(answeredErrors).map(([code, { status }]) => `| ${status} | \`${code}\` |`),
].join('\n');

/** File → what it should say. */
export function errorDocuments(): Record<string, string> {
  const serving = readFileSync(path.join(root, 'docs/serving.md'), 'utf8');
  return {
    'docs/errors.md': `${[head, ...Object.entries(errorSections).map(sectionText)].join('\n').replaceAll('|\n##', '|\n\n##')}\n`,
    'docs/serving.md': serving.replace(/^\| status \| code \|\n(?:\|.*\n)+/m, `${statusTable}\n`),
  };
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(errorDocuments())) writeFileSync(path.join(root, file), text);
}
