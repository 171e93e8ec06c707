import { CrosscheckError } from '@crosscheck/contract';
import type { Classifier, Prediction } from './classifier.ts';

/** How far a logit may be from the one at export, on another processor; int8 rounds, and so it steps. */
const tolerances = { fp32: 0.02, fp16: 0.02, int8: 0.3 } as const;

/**
 * Judges the sample of the artifact, picture file and words, and compares the logit with the one at export: model, tokenizer, decoder and
 * runtime on this machine in one number.
 *
 * @throws CROSSCHECK_ARTIFACT_SELF_CHECK, and what `classify` throws
 */
export async function selfCheck(classifier: Classifier): Promise<void> {
  const { selfCheck: sample, precision, name, version } = classifier.artifact;
  if (!sample) return;
  const image = Buffer.from(sample.image, 'base64');
  const [{ logit }] = (await classifier.classify([{ text: sample.text, image }])) as [Prediction];
  const tolerance = tolerances[precision];
  if (Math.abs(logit - sample.logit) <= tolerance) return;
  const message = `${name} ${version} gives its own sample the logit ${logit}, at export it was ${sample.logit} (${tolerance} allowed); export the checkpoint again, and report this with the processor of the machine`;
  throw new CrosscheckError('CROSSCHECK_ARTIFACT_SELF_CHECK', message);
}
