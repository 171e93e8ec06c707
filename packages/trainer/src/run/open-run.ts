import path from 'node:path';
import {
  type CompleteConfig,
  completeConfig,
  type ReportEpoch,
  type Run,
  readOverrides,
  type TrainConfig,
} from '@crosscheck/config';
import { CrosscheckError, throwIfStopped } from '@crosscheck/contract';
import type { Manifest, SampleProblem } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { cleanLitter } from '@crosscheck/files';
import { countParameters } from '@crosscheck/network';
import { collectLessOften, type Tokenizer } from '@crosscheck/preprocess';
import { describeTensorflow, tensorflowInfo } from '@crosscheck/tensorflow';
import { requireUnused } from '../calibrate/calibrate-on.ts';
import { mayOverlap } from '../calibrate/seen-rows.ts';
import { cutMetricsFile } from '../consumers/metrics-file.ts';
import { measureThroughput, type Throughput } from '../consumers/throughput.ts';
import { checkClasses } from '../data/check-classes.ts';
import { checkOverlap } from '../data/check-overlap.ts';
import type { SplitRows } from '../data/divide-split.ts';
import { readCalibrationSplit, readSplit } from '../data/run-data.ts';
import { type Facts, requireAlike } from '../distributed/require-alike.ts';
import { sharePhases } from '../distributed/share-phases.ts';
import { alone, type Workers } from '../distributed/workers.ts';
import type { EpochRecord } from '../loop/history.ts';
import { type Phase, resolvePhases } from '../loop/phases.ts';
import { openTracking, type Tracking } from '../tracker/tracking.ts';
import { complete } from './complete.ts';
import { makeFolder } from './guard-writing.ts';
import { buildModel, checkInitialWeights, loadInitialWeights, openRunTokenizer, tokenizerDoubt } from './network.ts';
import { writeNetwork } from './network-table.ts';
import { describePrecision } from './precision.ts';
import { openResumedRun, type ResumedRun } from './resume.ts';

/** Everything that is opened once for a run. */
export interface OpenRun {
  /** Those that train together; this process is one of them. */
  workers: Workers;
  config: CompleteConfig;
  /** Where this run's files go. */
  runDir: string;
  /** Where its checkpoints go. */
  checkpointDir: string;
  /** As they were typed, those of an interrupted run that goes on. */
  overrides: readonly string[];
  /** Null outside a sweep. */
  jobNumber: number | null;
  /** Tells the search that it is a trial of. */
  reportEpoch: ReportEpoch | undefined;
  /** Config key → where its value was set. */
  origins: Record<string, string>;
  phases: Phase[];
  manifests: { train: SplitRows; val: SplitRows };
  /** What the best checkpoint will be calibrated on; null when that is not asked for. */
  calibrationRows: SplitRows | null;
  tokenizer: Tokenizer;
  model: Model;
  resumed: ResumedRun | null;
  tracking: Tracking;
  /** Finished epochs, those of an interrupted run included. */
  history: EpochRecord[];
  /** Pictures that could not be decoded and were left out, by `file:line`. */
  unreadable: Map<string, SampleProblem>;
  throughput: Throughput;
  say: (line: string) => void;
  /** Says what only this worker knows. */
  warn: (line: string) => void;
  close(): Promise<void>;
}

export async function openRun(run: Run<TrainConfig>, workers: Workers = alone): Promise<OpenRun> {
  collectLessOften();
  const resumed = await openResumedRun(run.config, run.overrides, workers);
  try {
    return await openParts(run, resumed, workers);
  } catch (error) {
    await resumed?.state.close();
    throw error;
  }
}

async function openParts(run: Run<TrainConfig>, resumed: ResumedRun | null, workers: Workers): Promise<OpenRun> {
  const { say, warn } = speakers(run, workers);
  const { runDir, checkpointDir } = await placesOf(run, resumed, workers);
  say(describeTensorflow());
  const config = await completeFor(run, resumed, say);
  const precision = describePrecision(config.training.mixed_precision, tensorflowInfo());
  if (precision !== null) say(precision);
  const tokenizer = await openRunTokenizer(config);
  const doubt = tokenizerDoubt(tokenizer, config);
  if (doubt !== null) say(doubt);
  if (!resumed) await checkInitialWeights(config);
  const { manifests, calibrationRows } = await openPosts(config, say);
  if (resumed) checkSameData(manifests, resumed);
  const model = buildModel(config);
  const lines = resumed ? [`resuming ${runDir}`, ...resumed.changes] : await loadInitialWeights(model, config);
  for (const line of lines) say(line);
  say(`${config.model.name}: ${countParameters(model).total.toLocaleString('en')} parameters`);
  const { origins } = run;
  const [phases, growth] = sharePhases(resolvePhases(config), workers);
  for (const line of growth) say(line);
  await requireAlike(workers, factsOf({ config, manifests, resumed }));
  const writes = workers.rank === 0;
  if (writes) openFolders({ model, config, phases, runDir, checkpointDir });
  throwIfStopped(); // from here on the tracker has to be told
  const history = resumed ? [...resumed.state.description.history] : [];
  const runId = resumed?.state.description.runId ?? null;
  if (writes && resumed) cutMetricsFile(runDir, resumed.state.description.point.position);
  const tracking = await openTracking({
    writes,
    config,
    runDir,
    phases,
    manifests,
    model,
    isNew: resumed === null,
    runId,
    parentRun: run.parentRun,
    swept: run.swept,
    say,
  });
  const close = async () => {
    await resumed?.state.close();
    model.dispose();
  };
  const opened = {
    workers,
    config,
    runDir,
    checkpointDir,
    origins,
    overrides: typedFor(run, resumed),
    jobNumber: run.jobNumber,
    reportEpoch: run.reportEpoch,
    phases,
    manifests,
    calibrationRows,
    tokenizer,
    model,
    resumed,
    tracking,
    history,
  };
  const [throughput, unreadable] = [measureThroughput(), new Map<string, SampleProblem>()];
  return { ...opened, throughput, unreadable, say, warn, close };
}

/** The splits that training and what follows it need, checked against each other. */
async function openPosts(
  config: CompleteConfig,
  say: (line: string) => void,
): Promise<Pick<OpenRun, 'manifests' | 'calibrationRows'>> {
  const manifests = { train: await readSplit(config, 'train'), val: await readSplit(config, 'val') };
  for (const [split, manifest] of Object.entries(manifests))
    for (const line of [describeSplit(split, manifest), ...manifest.notes.map((note) => `${split}: ${note}`)])
      say(line);
  const calibrationRows = await openCalibrationRows(config, manifests, say);
  checkClasses({ ...manifests, ...(calibrationRows && { calibration: calibrationRows }) }, config, say);
  const others = calibrationRows && !mayOverlap(calibrationRows.rows, manifests.val.rows);
  await checkOverlap({ ...manifests, ...(others && { calibration: calibrationRows }) }, config.data.on_overlap, say);
  return { manifests, calibrationRows };
}

/** What all workers know is said by one of them. */
function speakers(run: Run<TrainConfig>, { rank }: Workers): Pick<OpenRun, 'say' | 'warn'> {
  const log = (line: string) => run.log(line);
  return rank === 0 ? { say: log, warn: log } : { say: () => {}, warn: (line) => log(`worker ${rank}: ${line}`) };
}

/** The folders of the worker that writes; the others read there. */
async function placesOf(
  run: Run<TrainConfig>,
  resumed: ResumedRun | null,
  workers: Workers,
): Promise<Pick<OpenRun, 'runDir' | 'checkpointDir'>> {
  const own = { runDir: (resumed ?? run).runDir, checkpointDir: checkpointDirOf(run, resumed) };
  const [first = own] = await workers.gather(own);
  return first;
}

function openFolders({
  model,
  config,
  phases,
  runDir,
  checkpointDir,
}: Pick<OpenRun, 'model' | 'config' | 'phases' | 'runDir' | 'checkpointDir'>): void {
  makeFolder(checkpointDir);
  cleanLitter(checkpointDir);
  writeNetwork({ model, config, phases, runDir });
}

/** What decides a run. */
function factsOf({ config, manifests, resumed }: Pick<OpenRun, 'config' | 'manifests' | 'resumed'>): Facts {
  return {
    tensorflow: describeTensorflow(),
    config,
    data: dataDigests(manifests),
    resumed: resumed?.state.description.point.position ?? null,
  };
}

/** What the config leaves to the backbones; a run that goes on has what they brought. */
async function completeFor(
  run: Run<TrainConfig>,
  resumed: ResumedRun | null,
  say: (line: string) => void,
): Promise<CompleteConfig> {
  if (resumed) return completeConfig(resumed.config);
  const { config, lines } = await complete(run.config, run.origins);
  for (const line of lines) say(line);
  return config;
}

/** What was typed for a run; one that goes on has it in its folder, and what is typed now stands before that. */
function typedFor(run: Run<TrainConfig>, resumed: ResumedRun | null): readonly string[] {
  const before = (resumed && readOverrides(resumed.runDir)) ?? [];
  const now = new Set(run.overrides.map(keyOf));
  return [...before.filter((override) => !now.has(keyOf(override))), ...run.overrides];
}

const keyOf = (override: string) => override.replace(/^\+{0,2}|=.*$/gs, '');

/** Read before training, so that a missing file or rows that may not be used end the run now and not after hours. */
async function openCalibrationRows(
  config: TrainConfig,
  { train, val }: OpenRun['manifests'],
  say: (line: string) => void,
): Promise<SplitRows | null> {
  const { calibration } = config;
  if (!calibration.enabled) return null;
  const rows = await readCalibrationSplit(config);
  requireUnused(rows.rows, { train: train.rows, val: val.rows, holdout: calibration.holdout }, calibration);
  for (const line of [describeSplit('calibration', rows), ...rows.notes]) say(line);
  return rows;
}

/** `training.checkpoint_dir`; jobs of a sweep would write over each other there, so theirs is in the run folder unless it was typed. */
function checkpointDirOf(run: Run<TrainConfig>, resumed: ResumedRun | null): string {
  const before = resumed?.state.description.best?.path;
  if (before !== undefined) return path.dirname(before);
  const isTyped = run.overrides.some((override) => /^\+{0,2}training\.checkpoint_dir=/.test(override));
  if (run.jobNumber !== null && !isTyped) return path.join(run.runDir, 'checkpoints');
  return (resumed ?? run).config.training.checkpoint_dir;
}

function describeSplit(split: string, { samples, problems }: Manifest): string {
  const fakes = samples.filter(({ label }) => label === 1).length;
  const leftOut = problems.length > 0 ? `; ${problems.length} rows left out, the first: ${problems[0]?.message}` : '';
  return `${split}: ${samples.length} posts, ${fakes} of them FAKE${leftOut}`;
}

/** Digests of the manifests by split. */
export function dataDigests(manifests: OpenRun['manifests']): Record<string, string> {
  return Object.fromEntries(Object.entries(manifests).map(([split, { digest }]) => [split, digest]));
}

function checkSameData(manifests: OpenRun['manifests'], { state, runDir }: ResumedRun): void {
  const now = dataDigests(manifests);
  const changed = Object.entries(state.description.dataDigests).filter(([split, digest]) => now[split] !== digest);
  if (changed.length === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_MISMATCH',
    `${changed.map(([split]) => split).join(' and ')} changed since ${runDir} was interrupted (another sha256), so it cannot go on exactly; ` +
      'restore the CSV, or start a new run from the best checkpoint with model.load_model=true',
  );
}
