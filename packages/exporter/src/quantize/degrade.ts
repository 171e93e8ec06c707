import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Decision, type Preprocessing, sigmoid } from '@crosscheck/contract';
import { openOnnxSession } from '@crosscheck/inference';
import type { Graph } from '@crosscheck/network';
import { writeOnnxModel } from '../onnx/write-model.ts';
import type { Group } from './groups.ts';
import type { Recipe } from './int8.ts';
import { type EncodedPost, inputsOf } from './posts.ts';

/** Verdicts within this of the threshold are a coin's; the others should stay. */
export const nearThreshold = 0.01;

/** What rounding changes on some posts. */
export interface Loss {
  meanProbabilityDifference: number;
  /** Verdicts that differ although the exact probability is not near the threshold. */
  clearlyChanged: number;
  /** Processor time of the network alone, batches of four. */
  millisecondsPerPost: number;
}

/** One try: what stays in fp32, and what that gives on the calibration posts. */
export interface Step extends Loss {
  kept: Group[];
}

export interface DegradeOptions {
  preprocessing: Preprocessing;
  decision: Pick<Decision, 'threshold' | 'temperature'>;
  opset: number;
  posts: readonly EncodedPost[];
  /** An empty place for models. */
  workspace: string;
  /** Largest mean |Δp| that is allowed in the end. */
  maxMean: number;
  onProgress?: ((step: string) => void) | undefined;
}

export interface Candidate {
  graph: Graph;
  step: Step;
  /** Whether the calibration posts keep their probabilities well enough to try others. */
  isPromising: boolean;
  /** What each group alone changes; null while nobody needed to know. */
  sensitivity: Readonly<Record<Group, number>> | null;
}

const batchSize = 4;
/** What share of the allowed mean a rounded network may use on the posts that it was calibrated on: on others it does worse. */
const headroom = 0.4;
const allowedClearChanges = 0.01;
/** What the next candidate aims at when others refuse one that held here. */
const shrinking = 0.7;

/**
 * Networks in int8, each with more in fp32 than the one before: first none, then those groups whose rounding alone changes most, until the
 * calibration posts keep their probabilities. Whoever takes the next one found the last one not good enough.
 */
export async function* degrade(graph: Graph, recipe: Recipe, options: DegradeOptions): AsyncGenerator<Candidate> {
  let target = options.maxMean * headroom;
  const exact = await judge(graph, options);
  const lossOf = async (kept: ReadonlySet<Group>): Promise<Candidate> => {
    const built = recipe.build(kept);
    const step = { kept: [...kept], ...compare(exact, await judge(built, options), options) };
    return { graph: built, step, sensitivity: null, isPromising: holds(step, target, options) };
  };
  const kept = new Set<Group>();
  let candidate = await lossOf(kept);
  yield candidate;
  const sensitivity = await measureSensitivity(recipe, lossOf, options);
  while (true) {
    const worst = orderOf(recipe.groups, sensitivity).filter((group) => !kept.has(group));
    const aim = target / candidate.step.meanProbabilityDifference;
    for (const group of atLeastOne(worst, (rest) => share(rest, worst, sensitivity) <= aim)) kept.add(group);
    if (kept.size === recipe.groups.length) return;
    options.onProgress?.(`keeping ${kept.size} of ${recipe.groups.length} groups in fp32`);
    candidate = { ...(await lossOf(kept)), sensitivity };
    yield candidate;
    if (candidate.isPromising) target *= shrinking;
  }
}

const holds = ({ meanProbabilityDifference: mean, clearlyChanged }: Loss, target: number, { posts }: DegradeOptions) =>
  mean <= target && clearlyChanged <= Math.ceil(allowedClearChanges * posts.length);

/** Groups from the front until what is left is good enough: one or more. */
function atLeastOne(worst: readonly Group[], isEnough: (rest: readonly Group[]) => boolean): readonly Group[] {
  let count = 1;
  while (count < worst.length && !isEnough(worst.slice(count))) count++;
  return worst.slice(0, count);
}

const orderOf = (groups: readonly Group[], sensitivity: Readonly<Record<Group, number>>) =>
  [...groups].sort((a, b) => (sensitivity[b] as number) - (sensitivity[a] as number));

/** Errors of different places are independent: their squares add up. */
function share(rest: readonly Group[], all: readonly Group[], sensitivity: Readonly<Record<Group, number>>): number {
  const sum = (groups: readonly Group[]) =>
    groups.reduce((total, group) => total + (sensitivity[group] as number) ** 2, 0);
  return Math.sqrt(sum(rest) / (sum(all) || 1));
}

async function measureSensitivity(
  { groups }: Recipe,
  lossOf: (kept: ReadonlySet<Group>) => Promise<Candidate>,
  { onProgress }: DegradeOptions,
): Promise<Record<Group, number>> {
  const sensitivity: Record<Group, number> = {};
  for (const [i, group] of groups.entries()) {
    onProgress?.(`measuring what rounding ${group} changes (${i + 1} of ${groups.length})`);
    const { step } = await lossOf(new Set(groups.filter((other) => other !== group)));
    sensitivity[group] = step.meanProbabilityDifference;
  }
  return sensitivity;
}

interface Judged {
  probabilities: Float64Array;
  millisecondsPerPost: number;
}

async function judge(graph: Graph, options: DegradeOptions): Promise<Judged> {
  const { preprocessing, opset, posts, workspace, decision } = options;
  await mkdir(workspace, { recursive: true });
  const modelFile = path.join(workspace, 'candidate.onnx');
  await writeOnnxModel(modelFile, graph, { opset, producerVersion: '', metadata: {} });
  const session = await openOnnxSession(modelFile, { threads: 1, preprocessing });
  try {
    const probabilities = new Float64Array(posts.length);
    let spent = 0;
    for (let start = 0; start < posts.length; start += batchSize) {
      const inputs = inputsOf(posts.slice(start, start + batchSize), preprocessing);
      const before = process.cpuUsage();
      const logits = await session.run(inputs);
      const { user, system } = process.cpuUsage(before);
      spent += (user + system) / 1000;
      logits.forEach((logit, i) => (probabilities[start + i] = sigmoid(logit / decision.temperature)));
    }
    return { probabilities, millisecondsPerPost: spent / posts.length };
  } finally {
    await session.close();
    await rm(workspace, { recursive: true });
  }
}

/** NaN is no agreement: it stays NaN, and holds nowhere. */
function compare(exact: Judged, rounded: Judged, { decision: { threshold } }: DegradeOptions): Loss {
  const pairs = Array.from(exact.probabilities, (p, i) => [p, rounded.probabilities[i] as number] as const);
  return {
    meanProbabilityDifference: pairs.reduce((sum, [p, q]) => sum + Math.abs(p - q), 0) / pairs.length,
    clearlyChanged: pairs.filter((pair) => isClearlyChanged(pair, threshold)).length,
    millisecondsPerPost: rounded.millisecondsPerPost,
  };
}

/** @param pair probability of FAKE, exact and rounded */
export const isClearlyChanged = ([p, q]: readonly [number, number], threshold: number): boolean =>
  p > threshold !== q > threshold && Math.abs(p - threshold) > nearThreshold;
