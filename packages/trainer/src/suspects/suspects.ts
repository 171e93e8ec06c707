import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { CrosscheckError, modalitiesOf, type RowSet } from '@crosscheck/contract';
import { createProgress, dividePosts, findDuplicates, findIdColumn, inspectPosts } from '@crosscheck/curation';
import { type Sample } from '@crosscheck/data';
import { bootstrapIntervals, type Estimate, learnConfidently } from '@crosscheck/evaluation';
import { collectLessOften } from '@crosscheck/preprocess';
import { mayOverlap } from '../calibrate/seen-rows.ts';
import { readSplit } from '../data/run-data.ts';
import { type Backbones, openBackbones } from './backbones.ts';
import { principalComponents } from './components.ts';
import { mostComponents, predictOutOfFold } from './out-of-fold.ts';
import { type PostFeatures, readFeatures } from './read-features.ts';
import { formatSuspects, type SuspectReport } from './show.ts';
import { writeSuspects } from './write.ts';

/**
 * Job of `pnpm data:suspects`: ranks training posts by how surely out-of-fold predictions contradict their labels. Changes nothing.
 *
 * @throws CROSSCHECK_SUSPECTS_AT_CHANCE, CROSSCHECK_SUSPECTS_UNSUPPORTED, CROSSCHECK_DATA_…, CROSSCHECK_CHECKPOINT_NOT_FOUND
 */
export async function findSuspects(run: Run<TrainConfig>): Promise<JobResult> {
  collectLessOften();
  const { config } = run;
  const say = (line: string) => run.log(line);
  const backbones = await openBackbones(config);
  try {
    const split = await readSplit(config, 'train', modalitiesOf(backbones.model.architecture));
    for (const line of backbones.sources) say(line);
    const features = await readFeatures(backbones, split.samples, { config, say });
    const report = await judgeLabels(features, { config, columns: split.columns, backbones, rows: split.rows });
    const folder = path.resolve(config.suspects.output_dir ?? run.runDir);
    const files = await writeSuspects(folder, report, config);
    process.stdout.write(`${formatSuspects(report, files)}\n`);
    return { metrics: { suspects: report.learnt.suspects.length, roc_auc: report.rocAuc.value } };
  } finally {
    backbones.model.dispose();
  }
}

interface Judging {
  config: TrainConfig;
  columns: readonly string[];
  backbones: Backbones;
  rows: RowSet;
}

async function judgeLabels(features: PostFeatures, judging: Judging): Promise<SuspectReport> {
  const { config, backbones } = judging;
  const { samples, labels } = features;
  const { seed } = config.training;
  const folds = await foldPosts(samples, judging);
  const input = {
    image: principalComponents(features.image, mostComponents, seed),
    text: principalComponents(features.text, mostComponents, seed),
    labels,
  };
  const { probabilities } = predictOutOfFold(input, folds);
  const { rocAuc, accuracy } = bootstrapIntervals(probabilities, labels, { seed });
  const fakes = labels.reduce((sum, label) => sum + label, 0);
  const report = {
    samples,
    probabilities,
    learnt: learnConfidently(probabilities, labels),
    rocAuc,
    accuracy,
    baseline: Math.max(fakes, labels.length - fakes) / labels.length,
    folds: config.suspects.folds,
    sources: backbones.sources,
  };
  return { ...report, warnings: [...warnOfLearning(judging), ...warnOfChance(rocAuc, config)] };
}

/** Labels are divided evenly; posts that are alike stay in one fold, or one would tell the label of the other. */
async function foldPosts(samples: readonly Sample[], { config, columns }: Judging): Promise<string[]> {
  const progress = createProgress('duplicates', new Set(samples.map(({ imagePath }) => imagePath)).size);
  const posts = await inspectPosts(
    { train: samples },
    { sharedRows: 0, maxPixels: config.data.max_pixels, onPicture: () => progress.tick() },
  );
  progress.end();
  const names = Array.from({ length: config.suspects.folds }, (_, i) => `fold ${i + 1}`);
  const { members, assigned } = dividePosts(posts, [...posts.keys()], findDuplicates(posts), {
    shares: Object.fromEntries(names.map((name) => [name, 1 / names.length])),
    seed: config.training.seed,
    groupColumns: [findIdColumn(columns) ?? []].flat(),
    stratifyColumns: [],
    nearTexts: true,
    profile: 'out_of_context',
  });
  const folds: string[] = [];
  for (const [g, group] of members.entries()) for (const row of group) folds[row] = assigned[g] as string;
  return folds;
}

/** Weights that have learnt from these very labels repeat them, the wrong ones too. */
function warnOfLearning({ backbones: { seenRows }, rows }: Judging): string[] {
  if (seenRows === null || !mayOverlap(rows, seenRows.train)) return [];
  return [
    'the checkpoint was trained on these posts: its features have learnt their labels, the wrong ones too, so that fewer are found. Use backbones that have not seen them',
  ];
}

/** Where the ROC-AUC of unseen posts reaches that, most of the ranking's head is worth a look. */
const WEAK = 0.75;

function warnOfChance({ value, low }: Estimate, { suspects }: TrainConfig): string[] {
  const found = `the probes tell FAKE from REAL with a ROC-AUC of ${value.toFixed(3)} on posts that they have not seen`;
  if (low > 0.5) {
    return value >= WEAK
      ? []
      : [`${found}: weak. Expect many right labels among the suspects, and wrong ones that are not named`];
  }
  if (suspects.on_chance === 'error') {
    throw new CrosscheckError(
      'CROSSCHECK_SUSPECTS_AT_CHANCE',
      `expected probes that tell FAKE from REAL, but ${found}, which guessing explains (0.5 is a guess): a ranking would be noise. ` +
        'Use stronger backbones (model=…, suspects.checkpoint=…), more posts, or suspects.on_chance=warn to see the ranking',
    );
  }
  return [`${found}, which guessing explains: the ranking is noise`];
}
