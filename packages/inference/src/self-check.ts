import { type Artifact, CrosscheckError } from '@crosscheck/contract';
import type { Prediction } from './parts.ts';

type Precision = Artifact['precision'];

/** What the check asks of a classifier. */
interface Checked {
  artifact: Artifact;
  classify(posts: { text: string; image: Uint8Array }[]): Promise<Prediction[]>;
}

/** How far a logit may be from the one at export, on another processor; int8 rounds, and so it steps. */
const tolerances: Record<Precision, (logit: number) => number> = {
  fp32: (logit) => Math.min(0.02, 0.002 * Math.max(1, Math.abs(logit))),
  fp16: () => 0.02,
  int8: () => 0.3,
};

/**
 * Judges the samples of the artifact, picture files and words, and compares their logits with those at export: model, tokenizer, decoder and
 * runtime on this machine in a few numbers.
 *
 * @throws CROSSCHECK_ARTIFACT_SELF_CHECK, and what `classify` throws
 */
export async function selfCheck(classifier: Checked): Promise<void> {
  const { selfCheck: first, precision, name, version } = classifier.artifact;
  if (!first) return;
  for (const [i, sample] of [first, ...first.more].entries()) {
    const image = Buffer.from(sample.image, 'base64');
    // One after the other: a queue may be shorter than the list.
    const [{ logit }] = (await classifier.classify([{ text: sample.text, image }])) as [Prediction];
    const tolerance = tolerances[precision](sample.logit);
    if (Math.abs(logit - sample.logit) <= tolerance) continue;
    const message = `${name} ${version} gives its own sample ${i + 1} the logit ${logit}, at export it was ${sample.logit} (${tolerance} allowed); export the checkpoint again, and report this with the processor of the machine`;
    throw new CrosscheckError('CROSSCHECK_ARTIFACT_SELF_CHECK', message);
  }
}
