// What helps while the backbones are frozen: `pnpm bench:real-heads --help`. The heads learn from features that are computed once for all.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '@crosscheck/files';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { writeRows } from '../results.ts';
import { openAnswers } from './answers.ts';
import { encodeStamps } from './features.ts';
import { allViews, headVariants } from './head-variants.ts';
import { difficulties, splitCount } from './posts.ts';
import { findSources } from './sources.ts';
import { drawStamps } from './stamps.ts';
import { headRows, headTable } from './summary.ts';
import { type Task, trainHeads } from './train-heads.ts';

const help = `Usage: pnpm bench:real-heads [options]

The posts and backbones of pnpm bench:real. The features of all pictures and captions are computed once and kept; then only the heads learn, with
one thing changed in each training: ${Object.keys(headVariants).join(', ')}.

Answers are kept in a folder: a run that was interrupted, or is asked for more seeds, goes on where it ended, and writes one table of all.

  --difficulty LIST false captions of another kind of stamp, easy, or of the same, hard (easy,hard)
  --variants LIST   (all)
  --splits N        of the stamps, up to ${splitCount} (${splitCount})
  --seeds N         trainings of each on every split (1)
  --rounds N        false captions for each picture in training (2)
  --epochs N        up to ${allViews} (${allViews})
  --sources DIR     weights and stamps that were fetched before
  --keep DIR        where answers are kept (in the user's cache)
  --table           only the table of what is there
  --note TEXT       kept with the figures
`;

const values = readCommandLine(help, {
  difficulty: difficulties.join(),
  variants: Object.keys(headVariants).join(),
  splits: String(splitCount),
  seeds: '1',
  rounds: '2',
  epochs: String(allViews),
  sources: null,
  keep: cacheFolder('real-bench-answers'),
  table: false,
  note: '',
});

function* tasks(): Generator<Task> {
  const recipe = { rounds: Number(values.rounds), epochs: Number(values.epochs) };
  for (let seed = 1; seed <= Number(values.seeds); seed++)
    for (const variant of values.variants.split(','))
      for (const difficulty of difficulties.filter((one) => values.difficulty.split(',').includes(one)))
        for (let split = 0; split < Number(values.splits); split++)
          yield { ...recipe, difficulty, split, seed, variant };
}

const folder = values.keep as string;
mkdirSync(folder, { recursive: true });
const answers = openAnswers(path.join(folder, `heads-${values.rounds}-${values.epochs}.jsonl`));
const say = (line: string) => void process.stdout.write(`${line}\n`);

async function train(): Promise<void> {
  const sources = findSources(values.sources);
  const stamps = await drawStamps(sources.stamps, path.join(folder, 'images'));
  const encode = (views: number, overrides: readonly string[]) =>
    encodeStamps(stamps, { folder, sources, views, overrides, say });
  const features = {
    real: await encode(allViews, []),
    random: await encode(0, ['model.vision.weights=null', 'model.text.weights=null']),
  };
  for (const task of tasks()) {
    if (answers.has(task)) continue;
    answers.add(task, await trainHeads(task, { stamps, features, sources }));
    say(`${task.difficulty}, split ${task.split + 1}, seed ${task.seed}: ${task.variant}`);
  }
}

if (!values.table) await train();
const rows = headRows(answers.all());
const facts = { date: new Date().toISOString(), ...describeMachine(), note: values.note };
writeRows(
  'real-heads',
  rows.map((row) => ({ ...row, rounds: values.rounds, epochs: values.epochs, ...facts })),
);
say(`\n${headTable(rows)}`);
