// One training step's gradients by layers that go forward and back: what ../gradients.ts computes with tfjs's tape, in less time and
// memory. Tensors are freed as soon as nobody needs them; the tape would keep them all.

import { type Freeze, nothingFrozen } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { fusionNetwork, labelTensor } from '../encode.ts';
import {
  applyStatistics,
  backbonePass,
  type GradientStep,
  type Gradients,
  headPass,
  type Moved,
  type Run,
  type TrainingInput,
  trainableNames,
} from '../gradients.ts';
import type { Pass } from '../layers/pass.ts';
import { presenceOf } from '../presence.ts';
import { type ModelState, variableNamed } from '../state.ts';
import { openText, openVision } from './branch.ts';
import { fuse, fuseBackward } from './fusion.ts';
import { bestKernels } from './kernel-set.ts';
import { consume, release } from './kernels.ts';
import { crossEntropy } from './loss.ts';
import type { KernelSet, Work } from './work.ts';

/** Loss, logits and gradients of one batch; see `computeGradients` of ../gradients.ts for what it promises. */
export function computeGradientsFast(
  state: ModelState,
  input: TrainingInput,
  step: GradientStep,
  kernels: KernelSet = bestKernels,
): Gradients {
  const moved: Moved = new Map();
  const names = step.trainable ?? trainableNames(state, step.freeze ?? nothingFrozen);
  for (const name of names) variableNamed(state.variables, name);
  try {
    let outcome: Outcome | undefined;
    tf.tidy(() => {
      outcome = differentiate({ state, step, moved, kernels }, input, new Set(names));
      return [...outcome.gradients.values()];
    });
    const { loss, logits, gradients } = outcome as Outcome;
    if (Number.isFinite(loss)) applyStatistics(state, moved);
    const ordered = new Map(names.flatMap((name) => pairOf(gradients, name)));
    return { loss, logits, gradients: ordered, dispose: () => tf.dispose([...ordered.values()]) };
  } finally {
    tf.dispose([...moved.values()]);
  }
}

const pairOf = (gradients: ReadonlyMap<string, tf.Tensor>, name: string): [string, tf.Tensor][] => {
  const gradient = gradients.get(name);
  return gradient ? [[name, gradient]] : [];
};

export type Outcome = Pick<Gradients, 'loss' | 'logits'> & { gradients: Map<string, tf.Tensor> };

export interface FastRun extends Run {
  kernels: KernelSet;
}

/** Leaves no tensor behind but the gradients and the moved statistics. */
export function differentiate(run: FastRun, input: TrainingInput, trainable: ReadonlySet<string>): Outcome {
  const { state, step, kernels } = run;
  const presence = presenceOf(state.architecture, input);
  const labels = consume(labelTensor(input.label, input.size), (checked) => checked.dataSync() as Float32Array);
  const gradients = new Map<string, tf.Tensor>();
  const learn: Work['learn'] = (name, gradient) => void (trainable.has(name) && gradients.set(name, gradient()));
  const backboneWork = (backbone: keyof Freeze): Work => ({
    ...keepingStatistics(backbonePass(run, backbone)),
    kernels,
    mixedPrecision: step.mixedPrecision ?? false,
    learn,
    learns: (prefix) => !isFrozen(run, backbone) && [...trainable].some((name) => name.startsWith(prefix)),
  });
  const vision = openVision(state, backboneWork('vision'), input); // [B, V]
  const text = openText(state, backboneWork('text'), input); // [B, T]
  const work = { ...headPass(run), kernels, mixedPrecision: false, learn, learns: () => true };
  const features = { vision: vision.features, text: text.features };
  const { y, kept } = fuse(work, fusionNetwork(state), { ...features, presence }); // [B, 1]
  const logits = consume(y, (y) => y.dataSync() as Float32Array);
  const { loss, gradient } = crossEntropy(logits, labels, step);
  const dLogits = tf.tensor2d(gradient, [input.size, 1]); // [B, 1]
  const d = consume(dLogits, (dy) => fuseBackward(work, features, kept, dy));
  release(features);
  consume(d.vision, (dy) => vision.backward?.(dy));
  consume(d.text, (dy) => text.backward?.(dy));
  return { loss, logits, gradients };
}

const isFrozen = ({ step }: Run, backbone: keyof Freeze) => step.freeze?.[backbone] ?? false;

/** Moved statistics outlive the scope in which they are computed. */
function keepingStatistics(pass: Pass): Pass {
  return { ...pass, moveStatistic: (name, value) => pass.moveStatistic(name, tf.keep(value)) };
}
