import type { InferenceConfig } from '@crosscheck/config';
import type { AbstainBand } from '@crosscheck/contract';
import { type Classifier, imageTypeNames, requireBand } from '@crosscheck/inference';
import type { FastifyRequest } from 'fastify';
import type { PostLimits } from '../form/read-posts.ts';
import type { Line } from '../http/admission.ts';
import type { BodyBudget } from '../http/body.ts';
import type { Prefix } from '../http/prefix.ts';
import type { Service } from '../service.ts';
import type { ExplanationCache } from './explanation-cache.ts';

/** `serve.*` of the config. */
export type ServeSettings = InferenceConfig['serve'];

/** What routes share. */
export interface RouteContext {
  service: Service;
  settings: ServeSettings;
  pathPrefix: Prefix;
  budget: BodyBudget;
  explanations: ExplanationCache;
  /** Throws when the request may not ask the model. */
  admit: (request: FastifyRequest, line?: Line) => void;
}

/** What a request for verdicts may hold. */
export function postLimits(settings: ServeSettings, { artifact }: Classifier): PostLimits {
  return {
    maxTextLength: settings.max_text_length,
    maxPosts: settings.max_posts,
    modalities: artifact.modalities,
  };
}

/**
 * Where the answer is UNSURE; null for requests that do not want that.
 *
 * @param asked by the request; null where it does not say
 * @throws CROSSCHECK_INFERENCE_NO_BAND
 */
export function bandFor(settings: ServeSettings, classifier: Classifier, asked: boolean | null): AbstainBand | null {
  return (asked ?? settings.abstain) ? requireBand(classifier) : null;
}

/** An uploaded image, for the documentation of the API. */
export const imageField = { type: 'string', format: 'binary', description: imageTypeNames };

/** The field that asks for UNSURE, for the documentation of the API. */
export const abstainField = {
  type: 'boolean',
  description: 'answer UNSURE, with label_id -1, where the model is not sure enough; by default as serve.abstain says',
};
