import type { Row } from '../results.ts';

/** Student's t, 97.5 %, by degrees of freedom. */
const t975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** Mean over trainings, and half of its 95 % interval; null for one training, whose own interval stands in its row. */
export function meanOf(values: readonly number[]): { mean: number; half: number | null } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const t = t975[values.length - 2];
  if (t === undefined) return { mean, half: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, half: t * Math.sqrt(variance / values.length) };
}

/** Column → its heading. */
type Columns = Readonly<Record<string, string>>;

/** Of trainings by the commands. */
export const commandColumns: Columns = {
  accuracy: 'accuracy',
  rocAuc: 'AUC',
  textOnly: 'text alone',
  imageOnly: 'image alone',
  pairsBroken: 'pairs broken',
};

const cell = (values: readonly number[]): string => {
  const { mean, half } = meanOf(values);
  return half === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${half.toFixed(3)}`;
};

/** A line of Markdown for each difficulty and variant: means over its trainings with the half of their 95 % intervals. */
export function tableOf(rows: readonly Row[], columns: Columns): string {
  const groups = Map.groupBy(rows, ({ difficulty, variant }) => `${difficulty} | ${variant}`);
  const keys = Object.keys(columns);
  return [
    `| posts | training | trainings | ${Object.values(columns).join(' | ')} |`,
    `|---|---|---|${keys.map(() => '---|').join('')}`,
    ...[...groups].map(([name, group]) => {
      const cells = keys.map((key) => cell(group.map((row) => Number(row[key]))));
      return `| ${name} | ${group.length} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}
