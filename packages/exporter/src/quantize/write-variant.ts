import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact, Operators } from '@crosscheck/contract';
import { CrosscheckError } from '@crosscheck/contract';
import type { Graph } from '@crosscheck/network';
import type { ArtifactContent } from '../artifact/artifact-content.ts';
import { writeArtifactFiles, writeManifest, writeModelCard } from '../artifact/write-artifact.ts';
import { buildClassifierGraph } from '../graph/classifier.ts';
import { type ComparedPost, type ComparisonReport, compareArtifacts, isClose } from '../parity/compare-artifacts.ts';
import { type Candidate, degrade, type Step } from './degrade.ts';
import { halveWeights } from './halve.ts';
import { int8Recipe } from './int8.ts';
import { encodePosts } from './posts.ts';

/** Real posts that an artifact is made with and judged by. */
export interface ExportPosts {
  /** What int8 rounds to, and what it keeps, is found on them. */
  calibration: readonly ComparedPost[];
  /** Judged in fp32 and in the other precision. */
  comparison: readonly ComparedPost[];
  /** Judged by the finished folder, for its model card: posts that training did not see. */
  evaluation: readonly ComparedPost[];
}

/** The number formats beside fp32 that this version writes. */
export const variants = ['fp16', 'int8'] as const;

export interface VariantPlan {
  content: ArtifactContent;
  precision: (typeof variants)[number];
  posts: ExportPosts;
  /** Of the fp32 artifact. */
  parity: Artifact['parity'];
  /** Largest mean |Δp| against fp32. */
  maxMean: number;
  onProgress?: ((step: string) => void) | undefined;
}

export interface Variant {
  artifact: Artifact;
  comparison: ComparisonReport;
}

/**
 * Fills a folder with the artifact in another precision and compares it with the fp32 one. int8 that changes too much is made again with more of the
 * network in fp32.
 *
 * @param dir an existing empty folder
 * @param exactDir the fp32 artifact
 * @throws CROSSCHECK_EXPORT_PRECISION_LOSS, CROSSCHECK_EXPORT_POSTS_MISSING, and what decoding pictures throws
 */
export async function writeVariant(dir: string, exactDir: string, plan: VariantPlan): Promise<Variant> {
  requirePosts(plan.posts, plan.precision);
  const steps: Step[] = [];
  let refused: ComparisonReport | null = null;
  for await (const candidate of candidates(dir, plan)) {
    if (candidate.step) steps.push(candidate.step);
    if (!candidate.isPromising) continue;
    const variant = await writeCandidate({ dir, exactDir, plan }, candidate, steps);
    if (isClose(variant.comparison, plan.maxMean)) return variant;
    refused = variant.comparison;
  }
  throw precisionLoss(plan, refused, steps);
}

/** A graph to try; one that was not tried on calibration posts has no step. */
type Tried = Pick<Candidate, 'graph' | 'isPromising' | 'sensitivity'> & { step: Step | null };

async function* candidates(dir: string, plan: VariantPlan): AsyncGenerator<Tried> {
  const { content, precision, posts, maxMean, onProgress } = plan;
  onProgress?.(`rewriting the network in ${precision}`);
  const graph = buildClassifierGraph({ ...content, precision });
  if (precision === 'fp16') {
    yield { graph: halveWeights(graph), step: null, sensitivity: null, isPromising: true };
    return;
  }
  const { preprocessing, opset, architecture } = content;
  const workspace = path.join(path.dirname(dir), 'calibration');
  const options = { preprocessing, opset, workspace, posts: await encodePosts(posts.calibration, content) };
  const recipe = await int8Recipe(graph, { ...options, architecture });
  yield* degrade(graph, recipe, { ...options, decision: content, maxMean, onProgress });
}

async function writeCandidate(
  { dir, exactDir, plan }: { dir: string; exactDir: string; plan: VariantPlan },
  { graph, sensitivity }: Tried,
  steps: readonly Step[],
): Promise<Variant> {
  const { content, precision, posts, parity, onProgress } = plan;
  await Promise.all((await readdir(dir)).map((file) => rm(path.join(dir, file))));
  const described = { ...content, precision, operators: operatorsOf(graph) };
  const sha256 = await writeArtifactFiles(dir, described, graph);
  await writeManifest(dir, described, { sha256, parity });
  onProgress?.(`comparing ${precision} with fp32`);
  const comparison = await compareArtifacts(exactDir, dir, posts.comparison);
  const { accuracy: _, millisecondsPerPost: __, differences, ...counted } = comparison;
  const rounding = steps.length > 0 ? { steps: [...steps], ...(sensitivity && { sensitivity }) } : {};
  const measured = { ...described, fidelity: { ...counted, ...(differences && { differences }), ...rounding } };
  const hashes = { ...sha256, ...(await writeModelCard(dir, measured)) };
  return { artifact: await writeManifest(dir, measured, { sha256: hashes, parity }), comparison };
}

/** What the finished graph needs, whatever was asked for: int8 has operators that only onnxruntime knows. */
const operatorsOf = ({ nodes }: Graph): Operators =>
  nodes.some(({ domain }) => domain !== undefined) ? 'onnxruntime' : 'standard';

function requirePosts({ calibration, comparison }: ExportPosts, precision: string): void {
  if (calibration.length > 0 && comparison.length > 0) return;
  const message = `export.precision=${precision} needs real posts: some to calibrate with and some to compare with fp32, got ${calibration.length} and ${comparison.length}; set data.val_file and data.test_file, or data.root_dir`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_POSTS_MISSING', message);
}

function precisionLoss(
  { precision, maxMean }: VariantPlan,
  refused: ComparisonReport | null,
  steps: readonly Step[],
): CrosscheckError {
  const measured = refused
    ? `over ${refused.posts} comparison posts the mean |Δp| is ${refused.meanProbabilityDifference.toFixed(4)}, the largest ${refused.maxProbabilityDifference.toFixed(4)}, and ${refused.changedVerdicts} verdicts differ`
    : 'not even the posts that it was calibrated on keep theirs';
  const message = `${precision} must keep every probability within ${maxMean} of fp32 on average; ${measured}${tried(steps)}. Nothing was written; calibrate on posts like those that will be judged (data.val_file, export.calibration_rows), allow more (export.max_probability_difference), or set export.precision=fp32`;
  return new CrosscheckError('CROSSCHECK_EXPORT_PRECISION_LOSS', message);
}

function tried(steps: readonly Step[]): string {
  if (steps.length === 0) return '';
  const course = steps.map(({ kept, meanProbabilityDifference: mean }) => `${mean.toFixed(4)} with ${kept.length}`);
  return `; on the calibration posts it was ${course.join(', ')} groups of nodes in fp32`;
}
