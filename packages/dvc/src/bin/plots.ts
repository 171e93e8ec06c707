#!/usr/bin/env node
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { writePlots } from '../plots.ts';

const helpText = `pnpm dvc:plots SOURCE FOLDER

Writes what \`dvc metrics show\` and \`dvc plots show\` read: from metrics.jsonl of a training run the table epochs.csv, from
eval_results.json of an evaluation metrics.json and confusion.csv.
`;

const [source, folder] = process.argv.slice(2).filter((arg) => arg !== '--');
if (source === undefined || folder === undefined || source.startsWith('-')) {
  process.stdout.write(helpText);
  process.exitCode = source === '--help' || source === '-h' ? 0 : 1;
} else {
  try {
    process.stdout.write(`${(await writePlots(source, folder)).join(', ')}\n`);
  } catch (error) {
    process.stderr.write(`${isCrosscheckError(error) ? `${error.code}: ` : ''}${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
