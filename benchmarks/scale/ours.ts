// One piece of training on the first N posts of a folder, in a process of its own: prints its seconds and its largest memory.
//
//   node scale/ours.ts FOLDER N WHAT
//
// WHAT: loading (an epoch of augmented batches), frozen (features, then an epoch of the heads), finetune (an epoch of everything).
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { openLoader } from '../../packages/trainer/src/data/run-data.ts';
import { startOfRun } from '../../packages/trainer/src/loop/loop.ts';
import type { Phase } from '../../packages/trainer/src/loop/phases.ts';
import { openPhase } from '../../packages/trainer/src/run/open-phase.ts';
import { openRun } from '../../packages/trainer/src/run/open-run.ts';

const [folder = '', rows = '', what = ''] = process.argv.slice(2);
const isFrozen = what === 'frozen';
const { config } = composeConfig({
  configName: 'config',
  schema: trainConfigSchema,
  overrides: [
    'model=tiny',
    'data=demo',
    `data.root_dir=${folder}`,
    `data.n_rows=${rows}`,
    'data.on_overlap=ignore',
    `model.freeze_vision=${isFrozen}`,
    `model.freeze_text=${isFrozen}`,
    `data.augmentation.enabled=${!isFrozen}`,
    'mlflow.enabled=false',
    'training.batch_size=32',
    'training.num_workers=1',
    `data.pixel_cache.dir=${folder}/pixels-${what}-${rows}`,
    `training.feature_cache.dir=${folder}/features`,
    `training.checkpoint_dir=${folder}/checkpoints`,
  ],
});
const runDir = path.join(folder, 'run');
mkdirSync(runDir, { recursive: true });
const quiet = () => {};
const identity = { runDir, jobName: 'train', jobNumber: null, swept: null, parentRun: null };
const began = performance.now();
const open = await openRun({
  config,
  resolved: config,
  origins: {},
  overrides: [],
  ...identity,
  log: quiet,
  warn: quiet,
});
const opened = performance.now();

async function load(): Promise<number> {
  const settings = { tokenizer: open.tokenizer, batchSize: 32, shuffle: true, augment: true };
  const loader = openLoader(open.config, open.manifests.train, settings);
  let count = 0;
  for await (const batch of loader.batches(0)) count += batch.size;
  await loader.close();
  return count;
}

async function learn(): Promise<number> {
  const { position } = startOfRun;
  const { session } = await openPhase(open, open.phases[0] as Phase, { position, previous: undefined });
  const preparing = session.prepare();
  while (!(await preparing.next()).done);
  let count = 0;
  for await (const step of session.steps(position)) count += step.batchSize;
  await session.close();
  return count;
}

const samples = what === 'loading' ? await load() : await learn();
const seconds = (performance.now() - opened) / 1000;
const { user, system } = process.cpuUsage();
const peakBytes = process.resourceUsage().maxRSS * 1024;
const result = { samples, openSeconds: (opened - began) / 1000, seconds, cpuSeconds: (user + system) / 1e6, peakBytes };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
