// Epochs of the frozen phase as `pnpm train` runs them; answers as peers/frozen.py does.
//
//   node frozen/ours.ts FOLDER RUN BATCH_SIZE WORKERS
//
// FOLDER holds the posts, and keeps pixels and features for the next RUN. The first epoch counts from opening the phase.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { describeTensorflow } from '@crosscheck/tensorflow';
import { startOfRun } from '../../packages/trainer/src/loop/loop.ts';
import type { Phase } from '../../packages/trainer/src/loop/phases.ts';
import type { PhaseSession } from '../../packages/trainer/src/loop/session.ts';
import { openPhase } from '../../packages/trainer/src/run/open-phase.ts';
import { openRun } from '../../packages/trainer/src/run/open-run.ts';

const [folder = '', run = '', batchSize = '16', workers = '1'] = process.argv.slice(2);
const { config } = composeConfig({
  configName: 'config',
  schema: trainConfigSchema,
  overrides: [
    'data=fakeddit',
    'data.n_rows=-1',
    `data.root_dir=${folder}`,
    'data.on_overlap=ignore',
    ...['train', 'val'].map((split) => `data.images_dir_${split}=${folder}/images`),
    `data.pixel_cache.dir=${folder}/pixels`,
    'model.vision.weights=null',
    'model.text.weights=null',
    `model.text.tokenizer=${folder}/tokenizer`,
    'model.freeze_vision=true',
    'model.freeze_text=true',
    'mlflow.enabled=false',
    `training.batch_size=${batchSize}`,
    `training.num_workers=${workers}`,
    `training.feature_cache.dir=${folder}/features`,
    `training.checkpoint_dir=${folder}/${run}`,
  ],
});
const runDir = path.join(folder, run);
mkdirSync(runDir, { recursive: true });
const quiet = () => {};
const identity = { runDir, jobName: 'train', jobNumber: null, swept: null, parentRun: null };
const open = await openRun({
  config,
  resolved: config,
  origins: {},
  overrides: [],
  ...identity,
  log: quiet,
  warn: quiet,
});
const start = startOfRun.position;

const answer = (content: object) => process.stdout.write(`${JSON.stringify(content)}\n`);

async function openFrozen(): Promise<PhaseSession> {
  const { session } = await openPhase(open, open.phases[0] as Phase, { position: start, previous: undefined });
  const preparing = session.prepare();
  while (!(await preparing.next()).done);
  return session;
}

let session: PhaseSession | undefined;
answer({ ready: true, version: describeTensorflow() });
for await (const line of createInterface({ input: process.stdin })) {
  const [began, startOfWork] = [performance.now(), process.cpuUsage()];
  session ??= await openFrozen();
  let loss = 0;
  for await (const step of session.steps({ ...start, totalEpochs: Number(line) })) loss = step.loss;
  const { user, system } = process.cpuUsage(startOfWork);
  answer({ seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6, loss });
}
await session?.close();
answer({ peakBytes: process.resourceUsage().maxRSS * 1024 });
