#!/usr/bin/env node
import { exitCodes, print, runProgram } from '@crosscheck/contract';
import { writePlots } from '../plots.ts';

const helpText = `pnpm dvc:plots SOURCE FOLDER

Writes what \`dvc metrics show\` and \`dvc plots show\` read: from metrics.jsonl of a training run the table epochs.csv, from
eval_results.json of an evaluation metrics.json and confusion.csv.
`;

const [source, folder] = process.argv.slice(2).filter((arg) => arg !== '--');
if (source === undefined || folder === undefined || source.startsWith('-')) {
  process.stdout.write(helpText);
  process.exitCode = source === '--help' || source === '-h' ? exitCodes.done : exitCodes.wrongUsage;
} else {
  await runProgram(async () => print((await writePlots(source, folder)).join(', ')));
}
