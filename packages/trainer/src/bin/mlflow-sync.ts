// pnpm mlflow:sync <run folder> [--tracking-uri <uri>]
import { runSync } from '../mlflow-sync.ts';

await runSync(process.argv.slice(2));
