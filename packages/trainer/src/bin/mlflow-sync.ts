import { runOptionCommand } from '@crosscheck/contract';
import { runSync } from '../mlflow-sync.ts';

await runOptionCommand({
  name: 'mlflow:sync',
  summary: 'Sends to MLflow what a run could not send while it went on.',
  options: {
    tracking_uri: {
      default: null,
      help: 'where to; null = where the run was tracked: mlflow.tracking_uri in <run folder>/.hydra/config.yaml',
    },
  },
  operands: { usage: '<run folder>', min: 1, max: 1 },
  main: ({ tracking_uri: uri }, [folder = '']) => runSync(folder, uri),
});
