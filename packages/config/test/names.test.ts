import { describe, expect, test } from 'vitest';
import { composeConfig, trainConfigSchema } from '../src/index.ts';

const train = (overrides: string[]) =>
  composeConfig({ configName: 'config', schema: trainConfigSchema, jobName: 'train', overrides });

const names = [
  ['release/1.9', 'it names a folder'],
  ['../../evil', 'it names a folder'],
  [String.raw`'a\\b'`, 'it names a folder'],
  ['.hidden', 'it begins with a dot'],
  ['..', 'it begins with a dot'],
  ['"a\u0007"', 'it has control characters'],
  ['"a:b"', 'it has one of'],
  ['nul', 'it is a name that Windows reserves'],
  ['COM1.9', 'it is a name that Windows reserves'],
  ['"1.9 "', 'it ends with a dot, or begins or ends with a space'],
  ['é'.repeat(101), 'it is longer than 200 bytes'],
] as const;

describe('keys that become part of a file name', () => {
  test.each(names)('refuse %s: %s', (name, message) => {
    for (const key of [
      'training.version',
      'mlflow.registered_model_name',
      'mlflow.registered_model_alias',
      'model.name',
    ])
      expect(() => train([`${key}=${name}`])).toThrow(message);
    expect(() => train([`hydra.job.name=${name}`])).toThrow(message);
  });

  test('say which key, and who set it', () => {
    expect(() => train(['training.version=release/1.9'])).toThrow(
      'training.version becomes part of a file name, and it names a folder: got "release/1.9"; write it with letters, digits, - _ . and spaces, such as release-1.9 (override training.version=release/1.9)',
    );
  });

  test.each(['1.10', 'sweep-3', '1.8_custom', 'Version 2', '版本', 'console'])('take %s', (name) => {
    expect(train([`training.version=${name}`, `hydra.job.name=${name}`]).config.training.version).toBe(name);
  });
});

describe('names of metrics', () => {
  test.each([
    ['val/acuracy', 'val/accuracy'],
    ['val_loss', 'val/loss'],
    ['loss', 'val/loss'],
    ['accuracy', 'val/accuracy'],
    ['f1', 'val/f1'],
    ['aucc', 'val/auc'],
  ])('%s: did you mean %s?', (metric, meant) => {
    for (const key of ['training.early_stopping.metric', '+training.phases.frozen.early_stopping.metric'])
      expect(() => train(['experiment=two_phase', `${key}=${metric}`])).toThrow(`did you mean ${meant}?`);
  });

  test('an unknown one is answered with all that there are', () => {
    expect(() => train(['training.early_stopping.metric=nonsense'])).toThrow(
      'expected val/loss | val/accuracy | val/precision | val/recall | val/f1 | val/auc | train/loss',
    );
  });
});
