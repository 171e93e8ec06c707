import { type AbstainBand, CrosscheckError, decide, sigmoid } from '@crosscheck/contract';
import { type Estimate, wilsonInterval } from '../intervals.ts';
import { checkScores } from '../scored.ts';

/** Some share of the rows, the surest ones, and how right the model is about them. */
export interface CoverageRow {
  /** Share of rows that get a verdict. */
  coverage: number;
  rows: number;
  /** Where the others lie; null when all get a verdict. */
  band: AbstainBand | null;
  /** Of the verdicts, with Wilson's 95 % interval. */
  accuracy: Estimate;
}

/** A row by how far it lies from the threshold, in log-odds. */
interface Judged {
  distance: number;
  correct: number;
}

/** Keeps probabilities of 0 and 1 at a finite distance. */
const nearestToCertain = 1e-12;

function logOdds(probability: number): number {
  const p = Math.min(1 - nearestToCertain, Math.max(nearestToCertain, probability));
  return Math.log(p / (1 - p));
}

function judgeAll(probabilities: ArrayLike<number>, labels: ArrayLike<number>, threshold: number): Judged[] {
  const centre = logOdds(threshold);
  return Array.from(probabilities, (p, i) => ({
    distance: Math.abs(logOdds(p) - centre),
    correct: decide(p, threshold).labelId === labels[i] ? 1 : 0,
  })).sort((a, b) => b.distance - a.distance);
}

/** Ends halfway between the last row that is judged and the first that is not, so that small numeric differences do not matter. */
function bandWithin(judged: readonly Judged[], count: number, threshold: number): AbstainBand | null {
  const [last, next] = [judged[count - 1]?.distance, judged[count]?.distance];
  if (next === undefined) return null;
  const half = last === undefined ? next : (last + next) / 2;
  const centre = logOdds(threshold);
  return { low: sigmoid(centre - half), high: sigmoid(centre + half) };
}

/** One row for every number of verdicts that a band can leave, the surest first. */
function* coverageCurve(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
): Generator<CoverageRow> {
  checkScores(probabilities, labels);
  const judged = judgeAll(probabilities, labels, threshold);
  let correct = 0;
  for (const [i, row] of judged.entries()) {
    correct += row.correct;
    if (judged[i + 1]?.distance === row.distance) continue;
    const rows = i + 1;
    const band = bandWithin(judged, rows, threshold);
    yield { coverage: rows / judged.length, rows, band, accuracy: wilsonInterval(correct, rows) };
  }
}

/** What a band must achieve on the rows it is fitted on. */
export type AbstainTarget = { accuracy: number } | { coverage: number };

/**
 * Finds the band around the threshold, as wide to either side in log-odds, that meets the target: the narrowest outside of which verdicts
 * are right that often, or the widest that leaves verdicts to that share of the rows. `band: null` when every row may be judged.
 *
 * @param target in (0, 1]
 * @returns null when no band is enough
 * @throws CROSSCHECK_EVALUATION_BAD_RULE when the target is out of range, and those of `computeMetrics`
 */
export function fitAbstainBand(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  target: AbstainTarget,
): CoverageRow | null {
  const [[name, goal]] = Object.entries(target) as [[string, number]];
  if (!(goal > 0 && goal <= 1)) {
    throw new CrosscheckError('CROSSCHECK_EVALUATION_BAD_RULE', `expected a target ${name} in (0, 1], got ${goal}`);
  }
  const curve = [...coverageCurve(probabilities, labels, threshold)];
  if (name === 'coverage') return curve.find(({ coverage }) => coverage >= goal) ?? null;
  return curve.findLast(({ accuracy }) => accuracy.value >= goal) ?? null;
}

const tabulated = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5];

/**
 * How accuracy rises when the least sure rows get no verdict (El-Yaniv & Wiener 2010): one line per share of rows, ties judged together.
 *
 * @param shares of the rows that should get a verdict; fewer lines come back where ties leave no band between two of them
 * @throws those of `computeMetrics`
 */
export function coverageTable(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  shares: readonly number[] = tabulated,
): CoverageRow[] {
  const curve = [...coverageCurve(probabilities, labels, threshold)];
  const rows = shares.flatMap((share) => curve.find(({ coverage }) => coverage >= share) ?? []);
  return [...new Set(rows)];
}

/** What a fixed band does to some rows: how many get a verdict, and how right those are. */
export function judgeOutside(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  band: AbstainBand,
): CoverageRow {
  checkScores(probabilities, labels);
  const sure = Array.from(probabilities, (_, i) => i).filter(
    (i) => (probabilities[i] as number) < band.low || (probabilities[i] as number) > band.high,
  );
  const correct = sure.filter((i) => decide(probabilities[i] as number, threshold).labelId === labels[i]);
  const accuracy = wilsonInterval(correct.length, sure.length);
  return { coverage: sure.length / labels.length, rows: sure.length, band, accuracy };
}
