import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readManifest, writeManifestFile } from '@crosscheck/data';
import { generateDemo } from '@crosscheck/demo';
import { temporaryFolder } from '@crosscheck/testkit';
import { openCheckpoint } from '@crosscheck/weights';
import { openTrackingStore } from 'mlflow-js-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, type TrainedRun, trainHere } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
afterAll(remove);

/** Trains with report and tracking on, and returns the run with the tags of its tracked one. */
async function trainTracked(
  name: string,
  ...overrides: string[]
): Promise<TrainedRun & { tags: Record<string, string> }> {
  const own = path.join(dir, name);
  const tracked = [
    'training.report=true',
    'mlflow.enabled=true',
    'mlflow.system_metrics=false',
    'mlflow.log_model=false',
    `mlflow.tracking_uri=sqlite:///${own}.db`,
    `mlflow.experiment_name=${name}`,
  ];
  const run = await trainHere([...shortRun(posts, own), ...tracked, ...overrides], { dir: own });
  const checkpoint = await openCheckpoint(bestCheckpoint(run.checkpointDir));
  await checkpoint.close();
  const store = await openTrackingStore(`sqlite:///${own}.db`);
  try {
    const { tags } = await store.getRun(checkpoint.metadata?.runId ?? '');
    return { ...run, tags };
  } finally {
    store.close();
  }
}

/** Leaves of the FAKE posts of a split only so many. */
async function thinOut(split: string, fakes: number): Promise<void> {
  const file = path.join(posts, `${split}.csv`);
  const rows = (await readManifest({ file })).samples;
  let left = fakes;
  const kept = rows.filter(({ label }) => label === 0 || left-- > 0);
  await writeManifestFile(
    file,
    kept.map(({ row }) => row),
  );
}

describe('a run that calls every post REAL', () => {
  let run: TrainedRun & { tags: Record<string, string> };
  beforeAll(async () => {
    await generateDemo({ dir: posts, seed: 3, train: 96, val: 96, test: 16, imageSize: 64 });
    await thinOut('train', 4);
    await thinOut('val', 4);
    run = await trainTracked('constant', 'training.num_epochs=1');
  }, 300_000);

  it('says so before its figures, with what the config leaves unused', () => {
    const [first] = run.output.split('\n').filter((line) => line.startsWith('! '));
    expect(first).toMatch(/calls every post REAL/i);
    expect(run.output).toContain('training.class_balanced_sampling=true');
  });

  it('says so at the top of its report', () => {
    const page = readFileSync(path.join(run.runDir, 'report.html'), 'utf8');
    expect(page.indexOf('calls every post REAL')).toBeGreaterThan(0);
    expect(page.indexOf('calls every post REAL')).toBeLessThan(page.indexOf('<svg'));
  });

  it('has it in the tags of its tracked run', () => {
    expect(run.tags['crosscheck.diagnosis']).toMatch(/^one-answer/);
    expect(run.tags['crosscheck.diagnosis_text']).toMatch(/calls every post REAL/i);
  });
});
