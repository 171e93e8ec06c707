// Trains on a folder of your own posts, step by step, by the commands that you would type:
//   pnpm example examples/train-on-folder.ts data                                   the carried posts (pnpm data:pull), the small network
//   pnpm example examples/train-on-folder.ts posts model=multimodal data=fakeddit   yours, the full one
// The folder holds posts.csv (or train.csv, val.csv, test.csv) with text_content, image_path and label (0 = REAL, 1 = FAKE).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const [folder = 'data', ...overrides] = process.argv.slice(2);
const posts = path.resolve(folder);
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** Runs a script of package.json, which is what `pnpm <script>` does. */
function pnpm(script: string, ...args: string[]): void {
  console.log(`\n$ pnpm ${script} ${args.join(' ')}`);
  const [, ...command] = (scripts[script] as string).split(' ');
  const { status } = spawnSync(process.execPath, [...command, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// 1. Divide the posts so that no picture or text stands on two sides.
const pooled = existsSync(`${posts}/posts.csv`) ? [`files=${posts}/posts.csv`] : [`root_dir=${posts}`];
pnpm('data:split', ...pooled, `dir=${posts}/split`);

// 2. Train. Everything goes into the folder; MLflow is left out.
const config = [
  'model=tiny',
  'data=demo',
  `data.root_dir=${posts}/split`,
  'training.version=mine',
  'training.num_epochs=3',
  `training.checkpoint_dir=${posts}/checkpoints`,
  `hydra.run.dir=${posts}/run`,
  'mlflow.enabled=false',
  ...overrides,
];
pnpm('train', ...config);

// 3. How good is it on posts that it has not seen, and does it use both halves?
pnpm('evaluate', ...config);

// 4. What infer and serve read.
pnpm('export', ...config, `export.output_dir=${posts}/artifact`);
console.log(`\npnpm serve serve.artifact=${posts}/artifact`);
