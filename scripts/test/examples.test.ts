import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pull } from '../../packages/dvc/src/index.ts';
import { type SpawnedService, spawnService } from '../../packages/server/test/spawned-service.ts';
import { installTimeoutMs, pythonWith } from '../../packages/storage/test/support/python.ts';

const run = promisify(execFile);
const folder = temporaryFolder();
const at = (name: string) => `${folder.dir}/${name}`;
const example = (name: string) => `${repositoryRoot}/examples/${name}`;
const checkpoint = at('checkpoints/best_model_demo.safetensors');
const picture = at('data/images/test/00001.jpg');
const words = 'Tamsin Cross: the "beech" forest attracts mushroom pickers – in März';

/** Runs a program of `examples/` and returns what it printed. */
async function runExample(program: string, name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, [example(name), ...args], { cwd: folder.dir });
  return stdout.trim();
}

let service: SpawnedService;
beforeAll(async () => {
  for (const name of ['.dvc/config', 'data.dvc', 'checkpoints.dvc', 'assets/dvc'])
    cpSync(`${repositoryRoot}/${name}`, at(name), { recursive: true });
  await pull({ cwd: folder.dir });
  const config = ['model=tiny', 'data=demo', `data.root_dir=${at('data')}`, `hydra.run.dir=${at('run')}`];
  const exported = [`export.checkpoint=${checkpoint}`, `export.output_dir=${at('artifact')}`];
  const { code, stderr } = await runEntry('packages/exporter/src/bin/export.ts', [...config, ...exported]);
  if (code !== 0) throw new Error(stderr);
  service = await spawnService(folder.dir, [`serve.artifact=${at('artifact')}`, 'serve.workers=1']);
}, 240_000);
afterAll(async () => {
  await service?.stop();
  folder.remove();
});

describe('a running service answers', () => {
  test('Node, Python and curl alike', async () => {
    const ask = [service.url.origin, picture, words];
    const answers = await Promise.all([
      runExample(process.execPath, 'call-service.mjs', ...ask),
      runExample('python3', 'call_service.py', ...ask),
      runExample('sh', 'call-service.sh', ...ask),
    ]);
    const [first, ...others] = answers.map((answer) => JSON.parse(answer));
    expect(first).toEqual({
      filename: '00001.jpg',
      prediction: expect.stringMatching(/^(REAL|FAKE)$/),
      probability_fake: expect.any(Number),
      confidence: expect.any(Number),
      label_id: expect.any(Number),
    });
    expect(others).toEqual([first, first]);
  });

  test('with its reason when the picture is none', async () => {
    const ask = [service.url.origin, example('README.md'), words];
    await expect(runExample(process.execPath, 'call-service.mjs', ...ask)).rejects.toThrow(/4\d\d: /);
    await expect(runExample('python3', 'call_service.py', ...ask)).rejects.toThrow(/4\d\d: /);
    await expect(runExample('sh', 'call-service.sh', ...ask)).rejects.toThrow('curl');
  });
});

test('explain-verdict.ts shows the verdict, both halves, every word and the picture', async () => {
  const args = [at('artifact'), picture, 'the beech forest attracts pickers'];
  const { stdout, code } = await runEntry('examples/explain-verdict.ts', args);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^(REAL|FAKE), probability of FAKE [01]\.\d{4}\npicture [+-]\d+\.\d\d, words [+-]\d+\.\d\d\nthat/,
  );
  expect(Array.from(stdout.matchAll(/^ {2}[+-]\d+\.\d\d {2}(\w+)$/gm), ([, word]) => word)).toEqual(
    'the beech forest attracts pickers'.split(' '),
  );
  expect(stdout).toMatch(/(\n {2}[#.-]( [#.-])+)+\n$/);
});

test('train-on-folder.ts leaves a checkpoint, a report and an artifact in the folder', async () => {
  const brief = [
    'training.num_epochs=1',
    'training.num_steps=2',
    'evaluation.resamples=100',
    'evaluation.ablations=false',
  ];
  const { stdout, stderr, code } = await runEntry('examples/train-on-folder.ts', [at('data'), ...brief]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(`pnpm serve serve.artifact=${at('data/artifact')}`);
  const artifact = JSON.parse(readFileSync(at('data/artifact/artifact.json'), 'utf8'));
  expect(artifact.source.checkpoint).toBe('best_model_mine.safetensors');
});

describe('load_checkpoint.py', () => {
  test('shows names and shapes with the standard library alone', async () => {
    const printed = await runExample('python3', 'load_checkpoint.py', checkpoint);
    expect(printed).toMatch(/^vision_branch\.projection\.0\.weight +F32 \[64, 96\]$/m);
    expect(printed).toMatch(/^fusion\.6\.weight +F32 \[1, 32\]$/m);
    expect(printed).toContain("labels {'0': 'REAL', '1': 'FAKE'}, FAKE above 0.5, pictures of 64 pixels");
  });

  const torchPython = process.env.CROSSCHECK_TORCH_PYTHON;
  test.skipIf(!torchPython)('gives PyTorch every weight (needs CROSSCHECK_TORCH_PYTHON)', async () => {
    const printed = await runExample(torchPython as string, 'load_checkpoint.py', checkpoint, '--torch');
    expect(printed).toMatch(/<All keys matched successfully>\nprobability of FAKE [01]\.\d{4}$/);
  });
});

describe('run_onnx.py', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('examples', 'onnxruntime==1.30.0', 'tokenizers==0.23.3', 'pillow==13.0.0', 'numpy>=1.26');
  }, installTimeoutMs);

  test('finds the logit that the export was checked with', async () => {
    const { expected, got } = JSON.parse(await runExample(python, 'run_onnx.py', at('artifact'), '--self-check'));
    expect(Math.abs(expected - got)).toBeLessThan(1e-3);
  });

  test('judges as the service does', async () => {
    const judged = JSON.parse(await runExample(python, 'run_onnx.py', at('artifact'), picture, words));
    const served = JSON.parse(
      await runExample(process.execPath, 'call-service.mjs', service.url.origin, picture, words),
    );
    expect(judged).toMatchObject({ prediction: served.prediction, label_id: served.label_id });
    // Another JPEG decoder: pixels differ by a step here and there.
    expect(Math.abs(judged.probability_fake - served.probability_fake)).toBeLessThan(0.01);
  });
});
