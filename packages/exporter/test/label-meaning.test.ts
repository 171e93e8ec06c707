import { existsSync, writeFileSync } from 'node:fs';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeAnyCheckpoint } from './any-checkpoint.ts';
import { encodePng } from './tiny-artifact.ts';
import { tinyMetadata } from './tiny-checkpoint.ts';

// What 0 and 1 mean, from the config to the checkpoint; packages/server/test/label-meaning.test.ts goes on to the answer.
const { dir, remove } = temporaryFolder();
afterAll(remove);

test('a config that turns the labels around is refused, with what to do instead', () => {
  const compose = () =>
    composeConfig({
      configName: 'config',
      schema: trainConfigSchema,
      overrides: ['data.label_map.0=FAKE', 'data.label_map.1=REAL'],
    });
  expect(compose).toThrow(/data.label_map.0: expected REAL, got the text "FAKE" .*model.positive_class=real/);
});

describe('a checkpoint that turns them around', () => {
  let file: string;
  beforeAll(async () => {
    file = await writeAnyCheckpoint(`${dir}/swapped.safetensors`, {
      ...tinyMetadata,
      labels: { 0: 'FAKE', 1: 'REAL' },
    });
    for (const split of ['val', 'test'])
      writeFileSync(`${dir}/${split}.csv`, 'text_content,image_path,label\na,a.png,0\n');
  });

  test.each([
    ['export', 'packages/exporter/src/bin/export.ts', (name: string) => [`export.checkpoint=${name}`]],
    [
      'evaluate',
      'packages/trainer/src/bin/evaluate.ts',
      (name: string) => [`evaluation.checkpoint=${name}`, `data.root_dir=${dir}`],
    ],
    [
      'calibrate',
      'packages/trainer/src/bin/calibrate.ts',
      (name: string) => [`calibration.checkpoint=${name}`, `data.root_dir=${dir}`],
    ],
    ['infer', 'packages/inference/src/bin/infer.ts', (name: string) => [`inference.checkpoint.path=${name}`]],
  ])('is refused by pnpm %s', async (_, entry, overrides) => {
    const output = entry.includes('exporter') ? [`export.output_dir=${dir}/none`] : [];
    const { code, stderr } = await runEntry(entry, [...overrides(file), ...output, `hydra.run.dir=${dir}/run`]);
    expect(code).toBe(1);
    expect(stderr).toContain('CROSSCHECK_LABELS_MIXED');
    expect(stderr).toContain('to mean 0 = REAL and 1 = FAKE, got {"0":"FAKE","1":"REAL"}');
    expect(existsSync(`${dir}/none`)).toBe(false);
  });
});

test('a CSV of words, or with labels that mean the opposite, is refused by what shows it', async () => {
  writeFileSync(
    `${dir}/a.png`,
    encodePng(20, 20, (x, y) => [x, y, 9]),
  );
  const readWith = async (csv: string, ...more: string[]) => {
    writeFileSync(`${dir}/test.csv`, csv);
    const { stderr } = await runEntry('packages/trainer/src/bin/calibrate.ts', [
      'calibration.split=test',
      `calibration.checkpoint=${await writeAnyCheckpoint(`${dir}/ours.safetensors`, tinyMetadata)}`,
      ...['root_dir', 'images_dir_val', 'images_dir_test'].map((key) => `data.${key}=${dir}`),
      ...['val', 'test'].map((split) => `data.${split}_file=${dir}/test.csv`),
      `hydra.run.dir=${dir}/run`,
      ...more,
    ]);
    return stderr;
  };
  const words = await readWith('text_content,image_path,label\na,a.png,true\nb,a.png,false\n');
  expect(words).toMatch(
    /CROSSCHECK_DATA_BAD_LABEL[^]*"true" in 1 row, "false" in 1 row; say what every word means \(data\.labels=/,
  );
  const opposite = await readWith('text_content,image_path,label,2_way_label\na,a.png,0,0\nb,a.png,1,1\n');
  expect(opposite).toMatch(/CROSSCHECK_DATA_LABEL_MEANING[^]*2 of 2 rows have the label of Fakeddit's "2_way_label"/);
  const column = await readWith('text_content,image_path,2_way_label\na,a.png,0\n', 'data.label_column=2_way_label');
  expect(column).toMatch(/CROSSCHECK_DATA_LABEL_MEANING[^]*says 1 for true posts[^]*data\.labels=/);
  const mapped = await readWith(
    'text_content,image_path,2_way_label\na,a.png,0\nb,a.png,1\n',
    'data.label_column=2_way_label',
    'data.labels={"1": REAL, "0": FAKE}',
  );
  expect(mapped).not.toContain('CROSSCHECK_DATA');
}, 180_000);
