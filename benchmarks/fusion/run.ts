// What each way of bringing picture and words together makes of posts in three difficulties: `pnpm bench:fusion --help`.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Architecture, architectureSchema, fusionNames } from '@crosscheck/contract';
import { type Difficulty, difficulties, generateDemo } from '@crosscheck/demo';
import type { Estimate } from '@crosscheck/evaluation';
import { countParameters } from '@crosscheck/network';
import { readCommandLine } from '../command-line.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { appendRows, type Row } from '../results.ts';
import { type Cost, measureCosts } from './costs.ts';
import type { Recipe, Sight, Variant } from './train.ts';

const help = `Usage: pnpm bench:fusion [options]

Trains the small network with every way of fusion on generated posts of every difficulty, and once on words alone and on pictures alone.

  --train N         posts to learn from (2000)
  --test N          posts to judge (1000)
  --frozen N        passes over them with frozen backbones (12)
  --epochs N        passes in which everything learns (4)
  --seed N          of posts, weights and order (1)
  --jobs N          trainings at the same time, a thread each (all cores: ${availableParallelism()})
  --only WHAT       accuracy or costs (both)
  --note TEXT       kept with the figures
`;

const variants: readonly Variant[] = [
  ...fusionNames.map((fusion) => ({ fusion, sight: 'both' as const })),
  ...(['words', 'picture'] as const).map((sight) => ({ fusion: 'concat' as const, sight })),
];

function readOptions() {
  const { only, note, ...numbers } = readCommandLine(help, {
    train: '2000',
    test: '1000',
    frozen: '12',
    epochs: '4',
    seed: '1',
    jobs: String(availableParallelism()),
    only: '',
    note: '',
  });
  const counts = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
  return { ...counts, only, note } as Options;
}

interface Options extends Amount {
  frozen: number;
  epochs: number;
  jobs: number;
  only: string;
  note: string;
}

interface Result extends Variant {
  difficulty: Difficulty;
  accuracy: Estimate;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const folderOf = (dir: string, difficulty: Difficulty) => path.join(dir, difficulty);
const recipeOf = ({ frozen, epochs, seed }: Options): Recipe => ({
  phases: [
    { epochs: frozen, learningRate: 0.003, frozen: true },
    { epochs, learningRate: 0.001, frozen: false },
  ],
  batchSize: 32,
  seed,
});

interface Amount {
  train: number;
  test: number;
  seed: number;
}

function drawPosts(dir: string, difficulty: Difficulty, { train, test, seed }: Amount) {
  return generateDemo({ dir: folderOf(dir, difficulty), difficulty, seed, train, val: 4, test, imageSize: 96 });
}

const run = promisify(execFile);

async function trainOne(
  dir: string,
  difficulty: Difficulty,
  { fusion, sight }: Variant,
  options: Options,
): Promise<Result> {
  const script = path.join(repositoryRoot, 'benchmarks/fusion/variant.ts');
  const what = [folderOf(dir, difficulty), fusion, sight, JSON.stringify(recipeOf(options))];
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1' };
  const { stdout } = await run(process.execPath, ['--conditions=@crosscheck/source', script, ...what], { env });
  const accuracy = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as Estimate;
  say(`${difficulty.padEnd(7)} ${labelOf({ fusion, sight }).padEnd(16)} ${format(accuracy)}`);
  return { difficulty, fusion, sight, accuracy };
}

/** Longest trainings first, so that none runs alone at the end. */
async function trainAll(dir: string, options: Options): Promise<Result[]> {
  const waiting = variants
    .toReversed()
    .flatMap((variant) => difficulties.map((difficulty) => ({ difficulty, variant })));
  waiting.sort(
    (a, b) => Number(b.variant.fusion === 'cross_attention') - Number(a.variant.fusion === 'cross_attention'),
  );
  const results: Result[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      results.push(await trainOne(dir, next.difficulty, next.variant, options));
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return results;
}

const alone: Record<Exclude<Sight, 'both'>, string> = { words: 'words alone', picture: 'picture alone' };
const labelOf = ({ fusion, sight }: Variant) => (sight === 'both' ? fusion : alone[sight]);
const percent = (x: number) => (100 * x).toFixed(1);
const format = ({ value, low, high }: Estimate) => `${percent(value)} [${percent(low)}, ${percent(high)}]`;

/** A row of Markdown for every network, accuracy in percent with its 95 % interval. */
function accuracyTable(results: readonly Result[]): string {
  const cell = (variant: Variant, difficulty: Difficulty) => {
    const found = results.find((r) => labelOf(r) === labelOf(variant) && r.difficulty === difficulty);
    return found ? format(found.accuracy) : '–';
  };
  return [
    `| network | ${difficulties.join(' | ')} |`,
    `|---|${difficulties.map(() => '---|').join('')}`,
    ...variants.map((v) => `| ${labelOf(v)} | ${difficulties.map((difficulty) => cell(v, difficulty)).join(' | ')} |`),
  ].join('\n');
}

function costTable(costs: readonly Cost[]): string {
  const count = (n: number) => n.toLocaleString('en');
  return [
    '| fusion | parameters | at full size | step, ms | verdict, ms |',
    '|---|---|---|---|---|',
    ...costs.map(({ fusion, parameters, fullSizeExtra, stepMs, verdictMs }) => {
      const extra = `${fullSizeExtra >= 0 ? '+' : '−'}${count(Math.abs(fullSizeExtra))}`;
      return `| ${fusion} | ${count(parameters)} | ${extra} | ${stepMs.toFixed(1)} | ${verdictMs.toFixed(2)} |`;
    }),
  ].join('\n');
}

function fullSizeExtra(fusion: Architecture['fusion']): number {
  const total = (of: Architecture['fusion']) =>
    countParameters({ architecture: architectureSchema.parse({ fusion: of }) }).total;
  return total(fusion) - total('concat');
}

const options = readOptions();
const dir = mkdtempSync(path.join(tmpdir(), 'crosscheck-fusion-'));
const facts: Row = { date: new Date().toISOString().slice(0, 10), ...describeMachine(), note: options.note };
try {
  if (options.only !== 'accuracy') {
    await drawPosts(dir, 'easy', { train: 800, test: 4, seed: 1 });
    const measured = await measureCosts(folderOf(dir, 'easy'), fusionNames, recipeOf(options));
    const costs = measured.map((cost) => ({ ...cost, fullSizeExtra: fullSizeExtra(cost.fusion) }));
    say(`${costTable(costs)}\n`);
    appendRows(
      'fusion-costs',
      costs.map((cost) => ({ ...cost, ...facts })),
    );
  }
  if (options.only !== 'costs') {
    for (const difficulty of difficulties) await drawPosts(dir, difficulty, options);
    const results = await trainAll(dir, options);
    say(`\n${accuracyTable(results)}`);
    const { train, test, frozen, epochs, seed } = options;
    const rows = results.map(({ difficulty, fusion, sight, accuracy }) => {
      const { value, low, high } = accuracy;
      return { difficulty, fusion, sight, accuracy: value, low, high, train, test, frozen, epochs, seed, ...facts };
    });
    appendRows('fusion', rows);
  }
} finally {
  rmSync(dir, { recursive: true });
}
