import { CrosscheckError, type LabelId, nearest } from '@crosscheck/contract';
import { problemsError, type SampleProblem } from '@crosscheck/data';
import { describeShape, isMissing, readRows } from '@crosscheck/posts';
import type { Fate } from '../download/fates.ts';
import { collectLabels, type LabelCollector } from '../sources/labels.ts';

/** Which of Fakeddit's two texts a post gets. */
export type FakedditText = 'clean_title' | 'title';

export interface FakedditRow {
  id: string;
  /** 1-based physical line in the TSV. */
  line: number;
  /** Ours: 0 = REAL, 1 = FAKE; null when the row has none. */
  label: LabelId | null;
  text: string;
  url: string;
  domain: string;
  cells: Record<string, string>;
  /** What is wrong with the row before any picture is asked for. */
  fate: Fate | null;
  detail: string;
}

/** What Fakeddit calls a true post, in each of its labellings; note that the first counts the other way round than ours. */
const truePost: Record<string, string> = { '2_way_label': '1', '3_way_label': '0', '6_way_label': '0' };

const needed = ['id', '2_way_label'];

/**
 * Reads one of Fakeddit's TSV files. Its `2_way_label` says 1 for a true post; ours is 0 = REAL and 1 = FAKE, so it is flipped, and
 * the 3- and 6-way labels (0 = true) check that the file means what Fakeddit means.
 *
 * @throws CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_LABEL_MEANING, and what reading a manifest throws
 */
export async function readFakedditRows(file: string, text: FakedditText): Promise<FakedditRow[]> {
  const rows: FakedditRow[] = [];
  const seen = new Set<string>();
  let columns: string[] | undefined;
  const labels = collectLabels({ labels: { 0: 'FAKE', 1: 'REAL' } });
  const problems: SampleProblem[] = [];
  for await (const { cells, line } of readRows(file, { columns: [text, 'image_url', '2_way_label'] })) {
    const shape = columns && describeShape({ cells }, columns.length);
    if (columns === undefined) columns = checkColumns(cells, text, `${file}:${line}`);
    else if (shape)
      problems.push({ file, line, code: 'CROSSCHECK_DATA_BAD_ROW', message: `${file}:${line}: ${shape}` });
    else {
      const row = parseRow(Object.fromEntries(columns.map((name, i) => [name, cells[i] as string])), {
        line,
        labels,
        text,
      });
      if (seen.has(row.id)) Object.assign(row, { fate: 'duplicate_id', detail: `id ${row.id} again` });
      seen.add(row.id);
      rows.push(row);
    }
  }
  if (problems.length > 0) throw problemsError(problems, '', null);
  labels.requireKnown(file);
  refuseFlippedLabels(rows, file);
  return rows;
}

function checkColumns(columns: string[], text: string, where: string): string[] {
  const missing = [...needed, text].filter((name) => !columns.includes(name));
  if (missing.length === 0) return columns;
  const near = nearest(missing[0] as string, columns);
  throw new CrosscheckError(
    'CROSSCHECK_DATA_MISSING_COLUMN',
    `expected Fakeddit's column ${missing.map((name) => `"${name}"`).join(' and ')} in ${where}, got ${columns.join(', ')}` +
      `${near ? `; nearest: "${near}"` : ''}; use the multimodal TSV files as they are published`,
  );
}

function parseRow(
  cells: Record<string, string>,
  { line, labels, text: textColumn }: { line: number; labels: LabelCollector; text: FakedditText },
): FakedditRow {
  const cell = (name: string) => (isMissing(cells[name] ?? '') ? '' : (cells[name] as string).trim());
  const label = labels.read(cells['2_way_label']);
  const row = { id: cell('id'), line, label, text: cell(textColumn), url: cell('image_url'), cells };
  const problem = findProblem(row, saysTrue(cells));
  return { ...row, domain: domainOf(row.url) || cell('domain') || 'none', ...problem };
}

/** What the 3- and 6-way labels say, where they are there: every one must agree with the 2-way label. */
function saysTrue(cells: Record<string, string>): boolean[] {
  return Object.entries(truePost).flatMap(([name, trueValue]) => {
    const value = (cells[name] ?? '').trim().replace(/\.0$/, '');
    return value === '' ? [] : [value === trueValue];
  });
}

function findProblem(
  { id, label, text }: Pick<FakedditRow, 'id' | 'label' | 'text'>,
  votes: boolean[],
): { fate: Fate | null; detail: string } {
  if (id === '') return { fate: 'no_url', detail: 'the row has no id' };
  if (label === null) return { fate: 'no_label', detail: '2_way_label is neither 0 nor 1' };
  if (votes.some((vote) => vote !== (label === 0))) return { fate: 'label_conflict', detail: describeVotes(votes) };
  return text === '' ? { fate: 'no_text', detail: 'the text is blank' } : { fate: null, detail: '' };
}

const describeVotes = (votes: boolean[]) =>
  `2-, 3- and 6-way labels say ${votes.map((vote) => (vote ? 'true' : 'fake')).join(', ')}`;

/** Half of the rows contradicting is no slip: somebody has flipped the labels already. */
function refuseFlippedLabels(rows: readonly FakedditRow[], file: string): void {
  const conflicts = rows.filter(({ fate }) => fate === 'label_conflict').length;
  const labelled = rows.filter(({ label }) => label !== null).length;
  if (conflicts * 2 <= labelled) return;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_LABEL_MEANING',
    `expected 2_way_label 1 for true posts, as Fakeddit has it, got the opposite of the 3- and 6-way labels in ${conflicts} of ${labelled} ` +
      `rows (${file}); use the TSV as it is published, its labels are turned into 0 = REAL, 1 = FAKE here`,
  );
}

/** The host of an address, without `www.`; `''` when it is none that can be fetched. */
export function domainOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { protocol, hostname } = new URL(url);
  return /^https?:$/.test(protocol) ? hostname.replace(/^www\./, '') : '';
}
