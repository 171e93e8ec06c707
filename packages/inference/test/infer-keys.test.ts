import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { composeConfig, inferenceConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { encodePng, tinyTokenizerJson, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { openClassifier } from '../src/index.ts';
import { classifierOptions, infer } from '../src/infer.ts';

// What inference.* and data.* of `pnpm infer` change, each key by itself.
const { dir, remove } = temporaryFolder();
beforeAll(async () => {
  mkdirSync(`${dir}/artifact`);
  await writeTinyArtifact(`${dir}/artifact`);
  writeFileSync(
    `${dir}/flood.png`,
    encodePng(30, 20, (x, y) => [x * 8, y * 12, 60]),
  );
});
afterAll(remove);

const compose = (...overrides: string[]) =>
  composeConfig({
    configName: 'config_inference',
    schema: inferenceConfigSchema,
    overrides: [
      `inference.checkpoint.path=${dir}/artifact`,
      `inference.single.image_path=${dir}/flood.png`,
      ...overrides,
    ],
  }).config;

/** Runs the job of `pnpm infer` in this process. */
async function run(...overrides: string[]): Promise<{ printed: string; warnings: string[] }> {
  const [printed, warnings]: [string[], string[]] = [[], []];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const config = compose(...overrides);
  const identity = { runDir: dir, jobName: 'infer', jobNumber: null, swept: null, parentRun: null };
  const rest = { resolved: config, origins: {}, overrides, log: () => {}, warn: (text: string) => warnings.push(text) };
  try {
    await infer({ config, ...identity, ...rest });
  } finally {
    spy.mockRestore();
  }
  return { printed: printed.join(''), warnings };
}

const probability = async (text: string, ...overrides: string[]) => {
  const { printed } = await run('inference.mode=single', `inference.single.text=${text}`, ...overrides);
  return /Probability \(Fake\): ([\d.]+)/.exec(printed)?.[1];
};

test('inference.checkpoint.graph_cache keeps the rewritten graph in the cache folder, unless it is off', async () => {
  vi.stubEnv('CROSSCHECK_CACHE', `${dir}/cache`);
  await probability('flood', 'inference.checkpoint.graph_cache=false');
  expect(existsSync(`${dir}/cache`)).toBe(false);
  await probability('flood');
  expect(readdirSync(`${dir}/cache/graphs`)).toHaveLength(1);
  vi.unstubAllEnvs();
});

test('inference.text.max_length cuts texts shorter than the artifact does', async () => {
  const words = await probability('flood covers the city');
  expect(await probability('flood covers the city', 'inference.text.max_length=3')).toBe(await probability('flood'));
  expect(await probability('flood')).not.toBe(words);
});

test('inference.text.tokenizer replaces that of the artifact', async () => {
  // The same vocabulary with two words exchanged.
  const exchanged = tinyTokenizerJson.replace('"flood"', '"X"').replace('"calm"', '"flood"').replace('"X"', '"calm"');
  writeFileSync(`${dir}/tokenizer.json`, exchanged);
  expect(await probability('flood', `inference.text.tokenizer=${dir}/tokenizer.json`)).toBe(await probability('calm'));
});

test('what the artifact or this machine fixes is warned about, and the verdict stays', async () => {
  const { printed } = await run('inference.mode=single');
  const asked = ['checkpoint.device=cuda', 'image.size=64', 'text.max_length=500'].map((key) => `inference.${key}`);
  const changed = await run('inference.mode=single', ...asked);
  expect(changed.printed).toBe(printed);
  expect(changed.warnings).toEqual([
    expect.stringContaining('inference.checkpoint.device=cuda'),
    expect.stringContaining('inference.image.size=64 is ignored: the network was trained on pictures of 32'),
    expect.stringContaining('inference.text.max_length=500'),
  ]);
  expect((await run('inference.mode=single', 'inference.image.size=32')).warnings).toEqual([]);
});

test('keys of training in old configs change no verdict', async () => {
  const old = ['freeze_vision=true', 'freeze_text=true', 'dropout_rate=0.9'].map((key) => `inference.${key}`);
  const { printed, warnings } = await run('inference.mode=single', ...old);
  expect(warnings).toEqual([]);
  expect(printed).toBe((await run('inference.mode=single')).printed);
});

test('batch mode takes its columns, its pictures’ folder and the number of rows from the config', async () => {
  mkdirSync(`${dir}/pictures`);
  writeFileSync(
    `${dir}/pictures/a.png`,
    encodePng(30, 20, (x, y) => [x * 8, y * 12, 60]),
  );
  writeFileSync(`${dir}/posts.csv`, `words,picture,fake\n${'a flood,a.png,1\n'.repeat(5)}`);
  await run(
    `inference.batch.csv_file=${dir}/posts.csv`,
    `inference.batch.output_file=${dir}/verdicts.csv`,
    `inference.batch.root_dir=${dir}/pictures`,
    'inference.batch.n_rows=2',
    'data.text_column=words',
    'data.image_column=picture',
    'data.label_column=fake',
  );
  const lines = readFileSync(`${dir}/verdicts.csv`, 'utf8').trimEnd().split('\n');
  expect(lines[0]).toBe('words,picture,true_label,prediction,label,probability,confidence');
  expect(lines.slice(1)).toEqual([expect.stringMatching(/^a flood,a\.png,1,(REAL|FAKE)/), lines[1]]);
});

test('inference.batch.allow_outside_root reads images elsewhere, and max_failed_share says how many rows may fail', async () => {
  mkdirSync(`${dir}/inside`);
  writeFileSync(`${dir}/outside.csv`, 'text_content,image_path,label\na flood,../flood.png,1\na flood,gone.png,0\n');
  const batch = (...overrides: string[]) =>
    run(
      `inference.batch.csv_file=${dir}/outside.csv`,
      `inference.batch.output_file=${dir}/outside-verdicts.csv`,
      `inference.batch.root_dir=${dir}/inside`,
      ...overrides,
    );
  await expect(batch()).rejects.toMatchObject({
    code: 'CROSSCHECK_INFER_ROWS_FAILED',
    message: expect.stringMatching(/2 of 2 failed; most often CROSSCHECK_DATA_\w+, 1 row.*outside-verdicts\.csv/),
  });
  expect(readFileSync(`${dir}/outside-verdicts.csv`, 'utf8').match(/ERROR,-1,-1\.0,-1\.0/g)).toHaveLength(2);
  const allowed = await batch('inference.batch.allow_outside_root=true');
  expect(allowed.printed).toContain('Failed rows: 1');
  expect(allowed.printed).toMatch(
    /Accuracy: [01]\.0000 \[0\.\d+, [01]\.\d+\] \(95 % interval; 1 rows.*0 REAL and 1 FAKE/,
  );
  expect(allowed.printed).not.toContain('successfully');
  const strict = batch('inference.batch.allow_outside_root=true', 'inference.batch.max_failed_share=0.4');
  await expect(strict).rejects.toThrow(/at most 40 % of the rows to fail.*1 of 2 failed/);
});

test('batch mode says what is wrong with the model on labelled rows, before any figure', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => `a flood,flood.png,${i % 3 === 0 ? 1 : 0}`);
  writeFileSync(`${dir}/labelled.csv`, `text_content,image_path,label\n${rows.join('\n')}\n`);
  const files = [
    `inference.batch.csv_file=${dir}/labelled.csv`,
    `inference.batch.output_file=${dir}/labelled-verdicts.csv`,
    `inference.batch.root_dir=${dir}`,
  ];
  const { printed } = await run(...files, 'inference.output.threshold=0.999');
  expect(printed).toMatch(
    /! The model calls every post REAL and finds 0 of 10 FAKE posts; its accuracy is\s+0\.6667[^]*\n=== Prediction Summary ===\nTotal samples: /,
  );
  const { printed: other } = await run(...files, 'inference.output.threshold=0.001', 'inference.batch.n_rows=20');
  expect(other).toMatch(/! The model calls every post FAKE and finds 0 of 13 REAL posts/);
  expect(other).toContain('20 of 30 rows (inference.batch.n_rows=20; -1 = all)');
  writeFileSync(`${dir}/plain.csv`, 'text_content,image_path\na flood,flood.png\n');
  const plain = await run(...files.slice(1), `inference.batch.csv_file=${dir}/plain.csv`);
  expect(plain.printed).not.toMatch(/^!|Accuracy/m);
});

test('labels that mean the opposite are refused, or give no accuracy, until data.labels says what they mean', async () => {
  const header = 'text_content,image_path,label,2_way_label';
  writeFileSync(`${dir}/turned.csv`, `${header}\na flood,flood.png,1,1\na flood,flood.png,0,0\n`);
  const batch = (...overrides: string[]) =>
    run(
      `inference.batch.csv_file=${dir}/turned.csv`,
      `inference.batch.output_file=${dir}/turned-verdicts.csv`,
      `inference.batch.root_dir=${dir}`,
      ...overrides,
    );
  await expect(batch('data.label_column=2_way_label')).rejects.toMatchObject({
    code: 'CROSSCHECK_DATA_LABEL_MEANING',
    message: expect.stringContaining('says 1 for true posts'),
  });
  const { printed } = await batch();
  expect(printed).toMatch(/^Accuracy is not given: .*2 of 2 rows have the label of Fakeddit's "2_way_label"/m);
  expect(printed).not.toMatch(/^(!|Accuracy:)/m);
  const mapped = ['data.label_column=2_way_label', 'data.labels={"1": REAL, "0": FAKE}'];
  expect((await batch(...mapped)).printed).toMatch(/^Accuracy: 0\.5000 /m);
});

test('a folder of images that is not there ends batch mode at once', async () => {
  const batch = run(
    `inference.batch.csv_file=${dir}/outside.csv`,
    `inference.batch.output_file=${dir}/never.csv`,
    `inference.batch.root_dir=${dir}/nowhere`,
  );
  await expect(batch).rejects.toMatchObject({
    code: 'CROSSCHECK_DATA_NOT_FOUND',
    message: expect.stringContaining('set inference.batch.root_dir'),
  });
});

test('inference.image.decode_ms and max_decoded_bytes: a picture of too much work fails with its row, the others are judged', async () => {
  const create = { width: 5000, height: 5000, channels: 3 as const, background: 'navy' };
  await sharp({ create }).png({ progressive: true, compressionLevel: 1 }).toFile(`${dir}/slow.png`);
  writeFileSync(`${dir}/slow.csv`, 'text_content,image_path\na flood,slow.png\na flood,flood.png\n');
  const batch = async (...overrides: string[]) => {
    const files = [`csv_file=${dir}/slow.csv`, `output_file=${dir}/slow-verdicts.csv`, `root_dir=${dir}`];
    const { printed } = await run(...files.map((file) => `inference.batch.${file}`), ...overrides);
    const [, slow, quick] = readFileSync(`${dir}/slow-verdicts.csv`, 'utf8').split('\n');
    return { printed, slow, quick };
  };
  const late = await batch('inference.image.decode_ms=1');
  expect(late).toMatchObject({
    slow: 'a flood,slow.png,ERROR,-1,-1.0,-1.0',
    quick: expect.stringMatching(/REAL|FAKE/),
  });
  expect(late.printed).toContain('CROSSCHECK_IMAGE_DEADLINE');
  const large = await batch(`inference.image.max_decoded_bytes=${64 * 2 ** 20}`);
  expect(large).toMatchObject({ slow: late.slow, quick: late.quick });
  expect(large.printed).toContain('CROSSCHECK_IMAGE_OVER_BUDGET');
  expect(await batch()).toMatchObject({ slow: expect.stringMatching(/REAL|FAKE/), quick: late.quick });
  const single = run(
    'inference.mode=single',
    `inference.single.image_path=${dir}/slow.png`,
    'inference.image.decode_ms=1',
  );
  await expect(single).rejects.toMatchObject({ code: 'CROSSCHECK_IMAGE_DEADLINE' });
});

test('inference.batch_processing decides on the posts of a model call and on pictures decoded at once', async () => {
  const options = (...overrides: string[]) =>
    classifierOptions(compose(...overrides.map((key) => `inference.batch_processing.${key}`)).inference);
  expect(options('batch_size=3', 'num_workers=2')).toMatchObject({ maxBatch: 3, quickDecoders: 2 });
  const calls = async (batchSize: number) => {
    const classifier = await openClassifier(`${dir}/artifact`, { ...options(`batch_size=${batchSize}`), workers: 1 });
    const post = { text: 'a flood', image: `${dir}/flood.png` };
    await classifier.classify(Array.from({ length: 16 }, () => post));
    const { count } = classifier.stats().batchSize;
    await classifier.close();
    return count;
  };
  expect(await calls(1)).toBe(16);
  expect(await calls(8)).toBeLessThan(16);
});
