import type { Phase } from '../loop/phases.ts';
import type { Workers } from './workers.ts';

/** Phases in whose steps every worker has a part. @returns what changes by that, for the log, too */
export function sharePhases(phases: readonly Phase[], { world }: Pick<Workers, 'world'>): [Phase[], string[]] {
  const small = phases.filter(({ accumulateSteps }) => accumulateSteps < world);
  const shared = phases.map((phase) => ({ ...phase, accumulateSteps: Math.max(phase.accumulateSteps, world) }));
  return [shared, small.map((phase) => growthText(phase, world))];
}

function growthText({ name, accumulateSteps, batchSize, learningRate }: Phase, world: number): string {
  const factor = world / accumulateSteps;
  const posts = `a step has ${world * batchSize} posts instead of ${accumulateSteps * batchSize}`;
  return (
    `phase ${name}: each of ${world} workers takes a batch, so ${posts}, while the learning rate stays ${learningRate}; for so many more posts people raise it ` +
    `by up to ${rounded(Math.sqrt(factor))} (Adam) or ${rounded(factor)} times, with training.warmup_steps, or make training.batch_size smaller`
  );
}

const rounded = (factor: number) => Number(factor.toFixed(2));
