#!/usr/bin/env node
import path from 'node:path';
import { print, runProgram } from '@crosscheck/contract';
import { helpText, parseArguments } from '../arguments.ts';
import { megabytes, openProgress } from '../progress.ts';
import { pull } from '../pull.ts';

async function main(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(helpText);
  // pnpm runs scripts at the root of the repository and says where it was called.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const options = parseArguments(args);
  const progress = openProgress();
  const summary = await pull({ ...options, cwd, watcher: progress }).finally(() => progress.close());
  const names = summary.dvcFiles.map((file) => path.relative(cwd, file)).join(', ');
  if (names === '') return print('there is no .dvc file here: nothing to pull');
  const { files, placed, fetchedBytes } = summary;
  print(
    `${files} files of ${names}: ${files - placed} were there, ${placed} placed, ${megabytes(fetchedBytes)} fetched`,
  );
}

await runProgram(() => main(process.argv.slice(2)));
