import { type Architecture, type Batch, CrosscheckError } from '@crosscheck/contract';
import { invalidBatch } from './invalid-batch.ts';

/** Which posts of a batch have a picture and which have words: [B], 1 or 0; left out where all have. */
export type Presence = Pick<Batch, 'hasImage' | 'hasText'>;

/**
 * The presence that a batch states, once the network can judge it.
 *
 * @throws CROSSCHECK_MODEL_MODALITY_MISSING when a post lacks a part that this network needs, or both parts
 */
export function presenceOf(
  { missingModality }: Pick<Architecture, 'missingModality'>,
  { size, hasImage, hasText }: Presence & { size: number },
): Presence {
  for (const has of [hasImage, hasText]) {
    if (has && has.length !== size) throw invalidBatch(`expected ${size} marks of presence, got ${has.length}`);
  }
  const lacking = lacksAny(hasImage) || lacksAny(hasText);
  if (lacking && missingModality === 'none') {
    const message =
      'expected posts with a picture and words, got one without; train a network for such posts with model.missing_modality=learned';
    throw new CrosscheckError('CROSSCHECK_MODEL_MODALITY_MISSING', message);
  }
  if (lacking && hasText?.some((has, i) => has === 0 && hasImage?.[i] === 0)) {
    const message = 'expected posts with a picture or words, got one with neither; leave it out';
    throw new CrosscheckError('CROSSCHECK_MODEL_MODALITY_MISSING', message);
  }
  return { ...(hasImage && { hasImage }), ...(hasText && { hasText }) };
}

/** Whether any post lacks this part. */
export function lacksAny(has: Float32Array | undefined): has is Float32Array {
  return has?.includes(0) ?? false;
}
