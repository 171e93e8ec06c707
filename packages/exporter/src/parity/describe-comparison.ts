import type { Artifact } from '@crosscheck/contract';

type Fidelity = Artifact['fidelity'];

const names: Readonly<Record<string, string>> = { accuracy: 'accuracy', rocAuc: 'AUC', ece: 'calibration error' };

/** What another precision changes in the metrics, with paired intervals, and in the verdicts that were clear. */
export function describeDifferences(fidelity: Fidelity): string[] {
  const { differences, clearlyChanged, changedVerdicts } = fidelity ?? {};
  const clear =
    clearlyChanged === undefined || !changedVerdicts
      ? []
      : [`${clearlyChanged} of them were further than 0.01 from the threshold`];
  if (!differences) return clear;
  const parts = Object.entries(differences).map(([key, { value, low, high }]) => {
    return `Δ ${names[key] ?? key} ${signed(value)} (${signed(low)} to ${signed(high)})`;
  });
  return [...clear, `${parts.join(', ')}; paired 95 % intervals`];
}

/** What int8 keeps in fp32, why, and what that costs. */
export function describeRounding(fidelity: Fidelity): string[] {
  const { steps = [], sensitivity } = fidelity ?? {};
  const [first, last] = [steps[0], steps.at(-1)];
  if (!(first && last)) return [];
  if (last.kept.length === 0)
    return [`nothing had to stay in fp32: |Δp| ${last.meanProbabilityDifference.toFixed(4)} on the calibration posts`];
  const kept = last.kept.map((group) => {
    const alone = sensitivity?.[group];
    return alone === undefined ? group : `${group} (${alone.toFixed(4)})`;
  });
  const course = steps.map((step) => `${step.meanProbabilityDifference.toFixed(4)} with ${step.kept.length}`);
  return [
    `in fp32: ${kept.join(', ')}; in brackets the mean |Δp| that rounding it alone makes`,
    `|Δp| on the calibration posts by groups in fp32: ${course.join(', ')}; the network from ${first.millisecondsPerPost.toFixed(1)} to ${last.millisecondsPerPost.toFixed(1)} ms per post`,
  ];
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
