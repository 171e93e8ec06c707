import type { TrainConfig } from '@crosscheck/config';
import type { RowSet } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import { compareOnSameRows, type ModelComparison } from '@crosscheck/evaluation';
import type { Disagreement, JudgedPair } from '@crosscheck/report';
import { type RowUse, usesOf } from '../calibrate/seen-rows.ts';
import { disagreementsOf } from '../compare/disagreements.ts';
import { predictionsOf } from '../predictions/prediction.ts';
import type { Judge } from './open-judge.ts';
import { asPosts, type JudgedPosts, pairPosts } from './posts.ts';

/** How the model of `evaluation.compare_with` (the first) and the evaluated one (the second) differ. */
export interface RivalResult extends ModelComparison {
  /** Checkpoint or artifact folder. */
  model: string;
  name: string;
  version: string;
  threshold: number;
  /** Posts that both judged. */
  posts: number;
  /** What the rows were used for before by this model; null when it does not say. */
  usedBefore: RowUse[] | null;
}

interface Judged {
  samples: readonly Sample[];
  rows: RowSet;
  posts: JudgedPosts;
  /** The evaluated model's. */
  threshold: number;
  config: TrainConfig;
}

/** Judges the same samples with another model, at its own threshold unless `evaluation.threshold` names one for both. */
export async function judgeRival(
  rival: Judge,
  { samples, rows: judgedRows, posts, threshold, config }: Judged,
): Promise<{ result: RivalResult; disagreements: Disagreement[] }> {
  const { split, resamples, threshold: given, post_column, id_column } = config.evaluation;
  const theirs = asPosts(await rival.judge(samples), samples, config);
  const { first, second } = pairPosts(theirs, posts);
  const [before, after] = [given ?? rival.decision.threshold, threshold];
  const comparison = compareOnSameRows({ ...first, threshold: before }, { ...second, threshold: after }, first.labels, {
    resamples,
    seed: config.training.seed,
  });
  const rows = { split, idColumn: post_column ?? id_column };
  const { source: model, version, facts, decision } = rival;
  const own = { model, name: facts.name, version, threshold: before, usedBefore: usesOf(judgedRows, decision) };
  return {
    result: { ...own, posts: first.labels.length, ...comparison },
    disagreements: disagreementsOf(
      predictionsOf(first, samples, { ...rows, threshold: before }),
      predictionsOf(second, samples, { ...rows, threshold: after }),
    ),
  };
}

/** The rival first: differences are the evaluated model minus it. */
export function pairOf(
  { name, version, split }: { name: string; version: string; split: string },
  rival: RivalResult,
): Omit<JudgedPair, 'disagreements'> {
  const named = rival.name === name && rival.version === version;
  const names = named ? ['the other', name] : [`${rival.name} ${rival.version}`, `${name} ${version}`];
  return { split, names: names as [string, string], posts: [rival.posts, rival.posts], comparison: rival };
}
