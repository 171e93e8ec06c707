import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { composeConfig, trainConfigSchema, upgradeStored } from '../src/index.ts';

const phases = (overrides: string[], extraDirs: string[] = []) =>
  composeConfig({ configName: 'config', schema: trainConfigSchema, overrides, extraDirs }).config.training.phases;

const namesOf = (overrides: string[]) => Object.keys(phases(overrides) ?? {});

describe('training.phases is a map', () => {
  test('in the order in which it is written, what is added behind', () => {
    expect(namesOf(['training.phases={z: {}, a: {}, m: {}}'])).toEqual(['z', 'a', 'm']);
    expect(namesOf(['experiment=two_phase', '+training.phases.after.num_epochs=1'])).toEqual([
      'frozen',
      'finetune',
      'after',
    ]);
  });

  test('whose keys are set by name, also those that no file has', () => {
    const given = phases([
      'experiment=two_phase',
      'training.phases.frozen.num_epochs=9',
      'training.phases.frozen.early_stopping.patience=2',
    ]);
    expect(given).toMatchObject({ frozen: { num_epochs: 9, learning_rate: 1e-4, early_stopping: { patience: 2 } } });
  });

  test.each([
    [
      'training.phases.1.num_epochs=10',
      'did you mean training.phases.finetune.num_epochs?; training.phases has: frozen, finetune',
    ],
    ['training.phases.7.num_epochs=10', 'training.phases has: frozen, finetune'],
    [
      'training.phases.finetun.num_epochs=3',
      'did you mean training.phases.finetune?; training.phases has: frozen, finetune',
    ],
    ['training.phases={third: {}}', 'cannot override training.phases.third'],
    ['training.phases.frozen.num_epoch=3', 'did you mean training.phases.frozen.num_epochs?'],
    ['+training.phases.3={}', 'the name of a phase is no number, got 3'],
  ])('%s says %s', (override, message) => {
    expect(() => phases(['experiment=two_phase', override])).toThrow(message);
  });

  test('from which one can be taken', () => {
    expect(namesOf(['experiment=two_phase', '~training.phases.frozen'])).toEqual(['finetune']);
  });

  test('that is not empty', () => {
    expect(() => phases(['training.phases={}'])).toThrow('names no phase');
  });
});

describe('the list of earlier versions', () => {
  const list = 'training.phases=[{name: warm, num_epochs: 2},{name: tune}]';

  test('is read as a map, and replaces what was there', () => {
    expect(phases(['experiment=two_phase', list])).toEqual({ warm: { num_epochs: 2 }, tune: {} });
  });

  test('may stand in a file of the user, and takes overrides by name', () => {
    const { dir, remove } = temporaryFolder();
    onTestFinished(remove);
    mkdirSync(path.join(dir, 'experiment'));
    writeFileSync(
      path.join(dir, 'experiment/mine.yaml'),
      '# @package _global_\ndefaults:\n  - two_phase\ntraining:\n  phases:\n    - name: warm\n      num_epochs: 2\n    - name: tune\n',
    );
    const overrides = ['experiment=mine', 'training.phases.tune.batch_size=4'];
    expect(phases(overrides, [dir])).toEqual({ warm: { num_epochs: 2 }, tune: { batch_size: 4 } });
  });

  test('stands in earlier checkpoints and states', () => {
    const stored = { training: { seed: 3, phases: [{ name: 'b', num_epochs: 1 }, { name: 'a' }] } };
    expect(JSON.stringify(upgradeStored(stored))).toBe(
      '{"training":{"seed":3,"phases":{"b":{"num_epochs":1},"a":{}}}}',
    );
    expect(upgradeStored({ training: { phases: null } })).toEqual({ training: { phases: null } });
    expect(upgradeStored('nothing')).toBe('nothing');
  });

  test.each([
    ['[{name: a},{name: a}]', 'two phases of the name a'],
    ['[{num_epochs: 3}]', 'item 0 of this list has no name'],
    ['[1]', 'item 0 of this list has no name'],
  ])('%s is refused: %s', (value, message) => {
    expect(() => phases([`training.phases=${value}`])).toThrow(message);
  });
});
