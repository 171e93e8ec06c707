export { isBetterEpoch, isLowerBetter, type MeasuredMetrics } from './better-epoch.ts';
export { type ConfidentLearning, type LabelSuspect, learnConfidently } from './confident-learning.ts';
export {
  type PrecisionRecallPoint,
  precisionRecallCurve,
  type RocPoint,
  rocCurve,
  sweepThresholds,
  type ThresholdPoint,
} from './curves.ts';
export {
  type AbstainTarget,
  type CoverageRow,
  coverageTable,
  fitAbstainBand,
  judgeOutside,
} from './decision/abstain.ts';
export { type CalibrationBin, calibrationBins } from './decision/calibration.ts';
export { type DecisionRule, type FittedDecision, fitDecision } from './decision/fit-decision.ts';
export { applyTemperature, fitTemperature, type TemperatureFit } from './decision/temperature.ts';
export { chooseThreshold, type ThresholdChoice, type ThresholdRule } from './decision/threshold.ts';
export { adviceOf, type Diagnosis, diagnose, diagnosisTags, formatDiagnoses } from './diagnoses/diagnose.ts';
export {
  type DiagnosisInput,
  type PhaseRate,
  type StepSummary,
  type TrainedEpoch,
  type Verdicts,
  verdictsOf,
  verdictsOfEpoch,
} from './diagnoses/facts.ts';
export { limits as diagnosisLimits } from './diagnoses/limits.ts';
export type { DiagnosisId } from './diagnoses/table.ts';
export {
  type AggregatedPosts,
  type Aggregation,
  aggregatePosts,
  computeGroupMetrics,
  confidentMistakes,
  type GroupMetrics,
} from './groups.ts';
export { type BootstrapOptions, bootstrapIntervals, type Estimate, percentile, wilsonInterval } from './intervals.ts';
export {
  type Confusion,
  computeMetrics,
  logLoss,
  lowerIsBetter,
  type MetricName,
  type Metrics,
  metricNames,
} from './metrics.ts';
export {
  type AblatedAccuracy,
  describeModalityUse,
  formatDifference,
  formatPValue,
  formatSigned,
  type ModalityUse,
} from './modality-use.ts';
export {
  describePairs,
  type Judgement,
  type PairedAccuracy,
  type PairedVerdicts,
  pairedAccuracy,
} from './paired/accuracy-difference.ts';
export {
  compareOnOtherRows,
  compareOnSameRows,
  type JudgedRows,
  type MetricComparison,
  type ModelComparison,
} from './paired/compare-models.ts';
export { type Outcome, outcomeOf, outcomeOfPairs } from './paired/outcome.ts';
export { type PlotTables, plotTables } from './plot-tables.ts';
export { type CheckResult, type PredictionSet, predictionChecks } from './prediction-checks.ts';
export { wrap } from './wrap.ts';
