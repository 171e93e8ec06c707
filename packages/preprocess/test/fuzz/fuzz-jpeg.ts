import { createRandom, type Random } from '@crosscheck/contract';
import { type Judgement, judge } from './judge.ts';
import { damage, mutate, startTrial, type Trial } from './mutate-jpeg.ts';
import { writeJpeg } from './write-jpeg.ts';

/** A file for which the direct way does not keep its promise. */
export interface Violation extends Judgement {
  file: Buffer;
  size: number;
}

export interface FuzzReport {
  inputs: number;
  /** Of them, those that the direct way accepted. */
  accepted: number;
  /** The largest of all differences, by mean and by extremes. */
  mean: number;
  max: number;
  violations: Violation[];
}

interface FuzzOptions {
  seed: number;
  /** Asked before each input, with how many there were. */
  goesOn: (inputs: number) => boolean;
  /** Files of earlier runs, tried first. */
  corpus?: readonly { file: Buffer; size: number }[];
  /** Told of each file that came closer to a broken promise than any before it of its line. */
  onBetter?: (found: Violation) => void;
}

/** A hill that is being climbed: the trial of its line that came closest to a broken promise. */
interface Line {
  trial: Trial;
  score: number;
  /** Trials that brought nothing. */
  idle: number;
}

const lineCount = 24;
const patience = 150;

/**
 * Looks for JPEGs whose pixels differ between the direct way and the exact one: files are changed again and again, and of each line the one
 * that differs most goes on. One in eight is damaged in its bytes as well.
 */
export async function fuzzJpeg({ seed, goesOn, corpus = [], onBetter }: FuzzOptions): Promise<FuzzReport> {
  const random = createRandom(seed, 'fuzz jpeg');
  const report: FuzzReport = { inputs: 0, accepted: 0, mean: 0, max: 0, violations: [] };
  const attempt = async (file: Buffer, size: number) => record(report, file, size, await judge(file, size));
  for (const { file, size } of corpus) await attempt(file, size);
  const lines: Line[] = [];
  while (goesOn(report.inputs)) {
    const line = takeLine(lines, random);
    const trial = line.idle === 0 && line.score < 0 ? line.trial : mutate(line.trial, random);
    const file = writeJpeg(trial.plan);
    const found = await attempt(file, trial.size);
    if (random.int(8) === 0) await attempt(damage(file, random), trial.size);
    line.idle++;
    if (!found || found.score <= line.score) continue;
    Object.assign(line, { trial, score: found.score, idle: 1 });
    onBetter?.(found);
  }
  return report;
}

/** Lines that lead nowhere give way to new ones. */
function takeLine(lines: Line[], random: Random): Line {
  const index = random.int(lineCount);
  const known = lines[index];
  if (known && known.idle < patience) return known;
  const line = { trial: startTrial(random), score: -1, idle: 0 };
  lines[index] = line;
  return line;
}

// oxlint-disable-next-line max-params -- the report, and what is new in it
function record(report: FuzzReport, file: Buffer, size: number, judgement: Judgement | null): Violation | null {
  report.inputs++;
  if (!judgement) return null;
  report.accepted++;
  report.mean = Math.max(report.mean, judgement.mean);
  report.max = Math.max(report.max, judgement.max);
  const found = { file, size, ...judgement };
  if (judgement.score > 1) report.violations.push(found);
  return found;
}
