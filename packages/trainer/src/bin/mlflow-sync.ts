// pnpm mlflow:sync <run folder> [--tracking-uri <uri>]
import { runProgram } from '@crosscheck/contract';
import { runSync } from '../mlflow-sync.ts';

await runProgram(() => runSync(process.argv.slice(2)));
