// What helps while the backbones are frozen: `pnpm bench:real-heads --help`. The heads learn from features that are computed once for all.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { appendRows, type Row } from '../results.ts';
import { encodeStamps } from './features.ts';
import { difficulties, splitCount } from './posts.ts';
import { findSources } from './sources.ts';
import { drawStamps } from './stamps.ts';
import { tableOf } from './table.ts';
import { headVariants, type Task, trainHeads } from './train-heads.ts';

const help = `Usage: pnpm bench:real-heads [options]

The posts and backbones of pnpm bench:real. The features of all pictures and captions are computed once; then only the heads learn, with one
thing changed in each training: ${Object.keys(headVariants).join(', ')}.

  --difficulty LIST false captions of another kind of stamp, easy, or of the same, hard (easy,hard)
  --splits N        of the stamps, up to ${splitCount} (${splitCount})
  --seeds N         trainings of each on every split (1)
  --rounds N        false captions for each picture in training (4)
  --epochs N        (10)
  --sources DIR     weights and stamps that were fetched before
  --note TEXT       kept with the figures
`;

const {
  difficulty,
  splits,
  seeds,
  rounds,
  epochs,
  sources: given,
  note,
} = readCommandLine(help, {
  difficulty: difficulties.join(),
  splits: String(splitCount),
  seeds: '1',
  rounds: '4',
  epochs: '10',
  sources: null,
  note: '',
});

function* tasks(): Generator<Task> {
  const recipe = { rounds: Number(rounds), epochs: Number(epochs) };
  for (const name of difficulties.filter((one) => difficulty.split(',').includes(one)))
    for (let split = 0; split < Number(splits); split++)
      for (let seed = 1; seed <= Number(seeds); seed++)
        for (const variant of Object.keys(headVariants)) yield { ...recipe, difficulty: name, split, seed, variant };
}

const sources = findSources(given);
const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-real-heads-'));
const say = (line: string) => void process.stdout.write(`${line}\n`);
try {
  const stamps = await drawStamps(sources.stamps, path.join(folder, 'images'));
  const views = Math.max(...Object.values(headVariants).map((variant) => variant.views ?? 0));
  const random = ['model.vision.weights=null', 'model.text.weights=null'];
  const features = {
    real: await encodeStamps(stamps, { folder, sources, views, overrides: [] }),
    random: await encodeStamps(stamps, { folder, sources, views: 0, overrides: random }),
  };
  say(`features of ${stamps.length} stamps`);
  const facts = { date: new Date().toISOString(), ...describeMachine(), note };
  const rows: Row[] = [];
  for (const task of tasks()) {
    const row = { ...(await trainHeads(task, { stamps, features, sources })), ...facts };
    say(JSON.stringify(row));
    appendRows('real-heads', [row]);
    rows.push(row);
  }
  say(`\n${tableOf(rows, { accuracy: 'accuracy', rocAuc: 'AUC', trainAccuracy: 'accuracy on training posts' })}`);
} finally {
  rmSync(folder, { recursive: true });
}
