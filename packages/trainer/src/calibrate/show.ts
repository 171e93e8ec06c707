import type { Decision } from '@crosscheck/contract';
import type { CoverageRow } from '@crosscheck/evaluation';
import type { CalibrationResult } from './calibrate-on.ts';

const digits = (value: number) => value.toFixed(4);

/** The calibration as a person reads it in a terminal. */
export function formatCalibration({ decision, warnings }: CalibrationResult): string[] {
  const { before, after, split, posts, ...how } = decision.calibration;
  return [
    `calibrated on ${posts} posts of the ${split} split`,
    ...warnings.map((warning) => `note: ${warning}`),
    `temperature  ${digits(decision.temperature)}  (${how.temperature})`,
    `threshold    ${digits(decision.threshold)}  (${how.threshold})`,
    `abstain      ${describeBand(decision)}`,
    '',
    '                   before  after',
    ...(['loss', 'brier', 'ece'] as const).map(
      (name) => `${qualityNames[name]} ${digits(before[name])}  ${digits(after[name])}`,
    ),
  ];
}

const qualityNames = { loss: 'log loss          ', brier: 'Brier score       ', ece: 'calibration error ' };

/** Where the model abstains when it is asked to, and what that leaves on the posts it was fitted on. */
export function describeBand({ abstainBand: band, calibration }: Decision): string {
  if (!band) return 'nowhere';
  const { coverage, accuracy, abstain } = calibration ?? {};
  const effect =
    typeof coverage === 'number' && typeof accuracy === 'number'
      ? `: ${percent(coverage)} of the posts get a verdict, ${percent(accuracy)} of those are right`
      : '';
  return `from ${digits(band.low)} to ${digits(band.high)}  (${abstain ?? 'set by hand'}${effect})`;
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** How accuracy rises when the least sure posts get no verdict. */
export function formatCoverage(rows: readonly CoverageRow[]): string[] {
  const line = ({ coverage, accuracy: { value, low, high }, band }: CoverageRow) =>
    [
      percent(coverage).padStart(8),
      `${digits(value)}  [${digits(low)}, ${digits(high)}]`,
      band ? `${digits(band.low)} to ${digits(band.high)}` : 'none',
    ].join('  ');
  return ['coverage  accuracy  95 % interval  unsure between', ...rows.map(line)];
}
