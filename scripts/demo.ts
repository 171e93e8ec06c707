// npm run demo: the whole path on generated news posts, by the commands that a user would type.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const started = Date.now();
const folder = 'demo';

const entries = {
  'data:demo': 'packages/demo/src/bin/demo.ts',
  train: 'packages/trainer/src/bin/train.ts',
  evaluate: 'packages/trainer/src/bin/evaluate.ts',
  export: 'packages/exporter/src/bin/export.ts',
  infer: 'packages/inference/src/bin/infer.ts',
} as const;

function title(text: string): void {
  console.log(`\n== ${text}`);
}

/** Runs one command of the project, says which, and ends the demo when it fails. */
async function pnpm(command: keyof typeof entries, args: string[]): Promise<void> {
  const shown = args.map((arg) => (/[\s"]/.test(arg) ? `'${arg}'` : arg)).join(' ');
  console.log(`$ pnpm ${command} ${shown}`);
  const child = spawn(process.execPath, ['--conditions=@crosscheck/source', entries[command], ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) {
    console.error(`\nThe demo stopped: "pnpm ${command}" ended with exit code ${code}; its message is above.`);
    process.exit(code ?? 1);
  }
}

interface DemoExample {
  image: string;
  text: string;
  label: number;
  note: string;
}

const minutes = () => ((Date.now() - started) / 60_000).toFixed(1);

title(
  '1/5 News posts: 8 kinds of scenes; REAL = the caption tells what the picture shows, FAKE = it tells of something else',
);
if (existsSync(path.join(root, folder, 'data', 'examples.json')))
  console.log(`${folder}/data is there from an earlier run`);
else await pnpm('data:demo', [`dir=${folder}/data`]);

title('2/5 Training: fusion head on frozen backbones, then everything at a lower rate');
await pnpm('train', ['experiment=demo']);

title('3/5 Honest test: accuracy on unseen posts, and what either half could do alone');
await pnpm('evaluate', ['experiment=demo']);

title('4/5 Export to ONNX');
await pnpm('export', ['experiment=demo']);

title('5/5 Verdicts from the exported model');
const examples = JSON.parse(readFileSync(path.join(root, folder, 'data', 'examples.json'), 'utf8')) as DemoExample[];
for (const { image, text, note } of examples) {
  console.log(`\n${note}`);
  const quoted = `"${text.replaceAll('"', '\\"')}"`;
  await pnpm('infer', [
    `inference.checkpoint.path=${folder}/artifact`,
    'inference.mode=single',
    `inference.single.image_path=${path.relative(root, path.resolve(root, folder, 'data', image))}`,
    `inference.single.text=${quoted}`,
    `hydra.run.dir=${folder}/infer`,
  ]);
}

title(`Done in ${minutes()} minutes. Where to look next`);
console.log(`  ${folder}/run/report.html        the training report: curves, mistakes with their pictures
  ${folder}/run/                   metrics.jsonl, training_curves_demo.png, confusion_matrix_demo.png, the composed config
  ${folder}/artifact/              the model as a service takes it: ONNX, tokenizer, hashes, model card
  pnpm serve serve.artifact=${folder}/artifact     then POST /predict on port 8000, or open http://localhost:8000/docs
  README.md                        train on your own posts`);
