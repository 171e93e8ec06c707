import { runOptionCommand } from '@crosscheck/contract';
import { runSync } from '../tracker/mlflow-sync.ts';

await runOptionCommand({
  name: 'mlflow:sync',
  summary: 'Sends to MLflow what a run could not send while it went on.',
  options: {
    tracking_uri: {
      default: null,
      help: 'where to; null = where the run was tracked: mlflow.json in its folder, else mlflow.tracking_uri in .hydra/config.yaml',
    },
  },
  notes: `That is what waits in <run folder>/mlflow-spool, and figures of metrics.jsonl that a kill cut off.
A password is never stored with a run: give --tracking-uri http://user:password@host, or set MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD.`,
  operands: { usage: '<run folder>', min: 1, max: 1 },
  main: ({ tracking_uri: uri }, [folder = '']) => runSync(folder, uri),
});
