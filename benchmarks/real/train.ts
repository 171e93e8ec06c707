// One training by the commands that a user types, and what they say.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../machine.ts';
import type { Row } from '../results.ts';
import type { Sources } from './sources.ts';

export interface Training {
  /** Holds train.csv, val.csv and test.csv. */
  posts: string;
  images: string;
  /** Receives everything that is written. */
  folder: string;
  sources: Sources;
  overrides: readonly string[];
  frozen: number;
  finetune: number;
  seed: number;
}

const packages = { train: 'trainer', evaluate: 'trainer', calibrate: 'trainer', export: 'exporter' } as const;
type Command = keyof typeof packages;

const configOf = ({ posts, images, folder, sources, overrides, frozen, finetune, seed }: Training): string[] => [
  'model=lite',
  'experiment=two_phase',
  `model.vision.weights=${sources.vision}`,
  `model.text.pretrained_model=${sources.text}`,
  `data.root_dir=${posts}`,
  `data.images_dir=${images}`,
  'data.n_rows=-1',
  `training.phases.frozen.num_epochs=${frozen}`,
  'training.phases.frozen.learning_rate=1e-3',
  `training.phases.finetune.num_epochs=${finetune}`,
  'training.phases.finetune.learning_rate=1e-4',
  `training.seed=${seed}`,
  'training.report=false',
  `training.checkpoint_dir=${folder}/checkpoints`,
  'evaluation.report=false',
  'mlflow.enabled=false',
  ...overrides,
];

interface Said {
  status: number | null;
  text: string;
  seconds: number;
}

/** Runs a command; a run folder of its own is named after `as`. */
function run(command: Command, training: Training, as: string, more: readonly string[] = []): Promise<Said> {
  const bin = path.join(repositoryRoot, `packages/${packages[command]}/src/bin/${command}.ts`);
  const args = [...configOf(training), ...more, `hydra.run.dir=${training.folder}/${as}`];
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@crosscheck/source', bin, ...args], { cwd: repositoryRoot });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, text, seconds: (performance.now() - began) / 1000 }));
  });
}

async function must(...call: Parameters<typeof run>): Promise<Said> {
  const said = await run(...call);
  if (said.status !== 0) throw new Error(`${call[0]} ended with ${said.status}:\n${said.text.slice(-4000)}`);
  return said;
}

interface Estimate {
  value: number;
  low: number;
  high: number;
}

interface Result {
  rows: number;
  metrics: Record<'accuracy' | 'rocAuc' | 'ece', Estimate>;
  uncalibrated: { ece: Estimate } | null;
  ablations: Record<'textOnly' | 'imageOnly' | 'shuffled', Estimate>;
}

const readResult = ({ folder }: Training, as: string): Result =>
  JSON.parse(readFileSync(path.join(folder, as, 'eval_results.json'), 'utf8')) as Result;

/** Accuracy on training and validation posts at the end of each phase. */
function phaseEnds({ folder }: Training): Row {
  const lines = readFileSync(path.join(folder, 'train/metrics.jsonl'), 'utf8').trimEnd().split('\n');
  const epochs = lines.map((line) => JSON.parse(line) as Row).filter((row) => 'val/accuracy' in row);
  const last = (phase: string, key: string): number | string =>
    epochs.filter((row) => row['phase'] === phase).at(-1)?.[key] ?? '';
  return {
    frozenTrainAccuracy: last('frozen', 'train/accuracy'),
    frozenValAccuracy: last('frozen', 'val/accuracy'),
    finetuneTrainAccuracy: last('finetune', 'train/accuracy'),
    finetuneValAccuracy: last('finetune', 'val/accuracy'),
  };
}

const digits = (value: number) => Number(value.toFixed(4));

/** Trains and judges on the test posts. @returns a row of figures */
export async function trainAndJudge(training: Training): Promise<Row> {
  mkdirSync(training.folder, { recursive: true });
  const { seconds } = await must('train', training, 'train');
  await must('evaluate', training, 'evaluate');
  const { rows, metrics, ablations } = readResult(training, 'evaluate');
  const { accuracy, rocAuc, ece } = metrics;
  return {
    testPosts: rows,
    accuracy: digits(accuracy.value),
    accuracyLow: digits(accuracy.low),
    accuracyHigh: digits(accuracy.high),
    rocAuc: digits(rocAuc.value),
    rocAucLow: digits(rocAuc.low),
    rocAucHigh: digits(rocAuc.high),
    ece: digits(ece.value),
    textOnly: digits(ablations.textOnly.value),
    imageOnly: digits(ablations.imageOnly.value),
    pairsBroken: digits(ablations.shuffled.value),
    ...phaseEnds(training),
    trainSeconds: Math.round(seconds),
  };
}

/** Calibrates, exports in both formats, and says what became of each. */
export async function calibrateAndExport(training: Training): Promise<Row> {
  await must('calibrate', training, 'calibrate');
  await must('evaluate', training, 'calibrated', ['evaluation.ablations=false']);
  const { metrics } = readResult(training, 'calibrated');
  const exported: Row = {
    calibratedEce: digits(metrics.ece.value),
    calibratedAccuracy: digits(metrics.accuracy.value),
  };
  for (const precision of ['fp32', 'int8']) {
    const target = path.join(training.folder, precision);
    const more = [`export.precision=${precision}`, `export.output_dir=${target}`];
    exported[precision] = sayExport(await run('export', training, `export-${precision}`, more), precision);
    exported[`${precision}Written`] = String(existsSync(target));
  }
  return exported;
}

/** The lines of an export that tell how equal it is, or why there is none. */
function sayExport({ status, text }: Said, precision: string): string {
  const told = precision === 'fp32' ? /^ +parity .*$/gm : /^ +(int8|speed) .*$/gm;
  const lines = status === 0 ? text.match(told) : text.match(/^.*CROSSCHECK_[A-Z0-9_]+.*$/gm);
  return (lines ?? [text.slice(-300)]).map((line) => line.trim().replaceAll(/\s+/g, ' ')).join('; ');
}
