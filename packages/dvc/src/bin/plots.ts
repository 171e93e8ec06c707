#!/usr/bin/env node
import { print, runOptionCommand } from '@crosscheck/contract';
import { writePlots } from '../plots.ts';

await runOptionCommand({
  name: 'dvc:plots',
  summary:
    'Writes what `dvc metrics show` and `dvc plots show` read: from metrics.jsonl of a training run the table epochs.csv, from\n' +
    'eval_results.json of an evaluation metrics.json and confusion.csv.',
  options: {},
  operands: { usage: 'SOURCE FOLDER', min: 2, max: 2 },
  main: async (_, [source = '', folder = '']) => print((await writePlots(source, folder)).join(', ')),
});
