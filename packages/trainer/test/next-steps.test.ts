import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { composeConfig, evaluateReads, trainConfigSchema } from '@crosscheck/config';
import { expect, it } from 'vitest';
import { bestModelName } from '../src/consumers/checkpoints.ts';
import { nextCommands } from '../src/report/next-steps.ts';

const composed = (overrides: string[]) => composeConfig({ configName: 'config', schema: trainConfigSchema, overrides });
const compose = (overrides: string[]) => composed(overrides).config;

function after(overrides: string[], checkpoint?: string): string[] {
  const { config, origins } = composed(overrides);
  const { checkpoint_dir: dir, version } = config.training;
  const own = path.resolve(dir, bestModelName(version));
  return nextCommands({ config, overrides, origins, checkpoint: checkpoint ?? own }, [
    'evaluate',
    'calibrate',
    'export',
  ]);
}

it('the commands after training are about the same posts and the same checkpoint', () => {
  const typed = [
    'data.root_dir=posts',
    'data.n_rows=-1',
    'training.learning_rate=1e-3',
    'training.version="1.10"',
    'evaluation.ablations=false',
  ];
  expect(after(typed)).toEqual([
    `pnpm evaluate data.root_dir=posts data.n_rows=-1 'training.version="1.10"' evaluation.ablations=false`,
    `pnpm calibrate data.root_dir=posts data.n_rows=-1 'training.version="1.10"'`,
    `pnpm export data.root_dir=posts data.n_rows=-1 'training.version="1.10"'`,
  ]);
});

it.each(['one_step', 'limit', 'overfit_batch'])(
  'after debug=%s they are about the checkpoint of the trial',
  (debug) => {
    expect(after([`debug=${debug}`])[0]).toBe('pnpm evaluate training.version=debug');
    expect(after([`debug=${debug}`, 'training.version=trial'])[0]).toBe('pnpm evaluate training.version=trial');
  },
);

it('a checkpoint that they would not find is named', () => {
  expect(after(['experiment=demo'])[0]).toBe('pnpm evaluate experiment=demo');
  expect(after(['data=demo'], path.resolve('multirun/0/checkpoints/best_model_1.8.safetensors'))).toEqual([
    'pnpm evaluate data=demo evaluation.checkpoint=multirun/0/checkpoints/best_model_1.8.safetensors',
    'pnpm calibrate data=demo calibration.checkpoint=multirun/0/checkpoints/best_model_1.8.safetensors',
    'pnpm export data=demo export.checkpoint=multirun/0/checkpoints/best_model_1.8.safetensors',
  ]);
});

it('a shell takes them apart into what was typed', () => {
  const typed = [`data.root_dir="it's here, \\\\ and $HOME"`, 'data.text_column=Überschrift', 'data.n_rows=-1'];
  const [evaluate = ''] = after(typed);
  const words = execFileSync('sh', ['-c', evaluate.replace(/^pnpm evaluate/, `printf '%s\\0'`)], { encoding: 'utf8' });
  expect(words.split('\0').slice(0, -1)).toEqual(typed);
  const again = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    reads: evaluateReads,
    overrides: typed,
  });
  expect(again.config.data).toEqual(compose(typed).data);
});
