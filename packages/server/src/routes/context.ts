import path from 'node:path';
import type { AbstainBand } from '@crosscheck/contract';
import { type Classifier, imageTypeNames, type Post, type Prediction, requireBand } from '@crosscheck/inference';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FormPart } from '../form/multipart.ts';
import type { PostLimits } from '../form/read-posts.ts';
import type { KeyCheck, Line } from '../http/admission.ts';
import type { BodyBudget } from '../http/body.ts';
import { fetchImage } from '../http/fetch-image.ts';
import type { Prefix } from '../http/prefix.ts';
import type { ServeSettings } from '../serve-settings.ts';
import type { Service } from '../service.ts';
import type { ExplanationCache } from './explanation-cache.ts';
import { disconnectSignal } from './judge.ts';

/** @param first number of the first of these posts in its request */
export type VerdictWatcher = (
  reply: FastifyReply,
  posts: readonly Post[],
  predictions: readonly Prediction[],
  first?: number,
) => void;

/** What routes share. */
export interface RouteContext {
  service: Service;
  settings: ServeSettings;
  pathPrefix: Prefix;
  budget: BodyBudget;
  explanations: ExplanationCache;
  /** Hear of every verdict that a client is told. */
  watchers: VerdictWatcher[];
  /** Throws when the request has not the key of verdicts. */
  checkKey: KeyCheck;
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

/** The bodies in which a post may come, for the documentation of the API. */
export function postBody(maxLength: number): object {
  const text = {
    type: 'string',
    maxLength,
    description: 'the text of the post',
    examples: ['This frog sitting on a light'],
  };
  const url = {
    type: 'string',
    format: 'uri',
    description: 'in place of image, where serve.fetch.hosts lists its host',
  };
  const form = { text, image: imageField, image_url: url, abstain: abstainField };
  const json = {
    ...form,
    image: { type: 'string', description: `${imageTypeNames}, in base64 or as a data URL`, examples: ['iVBORw0KGgo…'] },
    filename: { type: 'string', description: 'given back' },
  };
  const schema = (properties: object, required: string[]) => ({
    type: 'object',
    required,
    properties,
    additionalProperties: false,
  });
  return {
    content: {
      'multipart/form-data': { schema: schema(form, ['text', 'image']) },
      'application/json': { schema: schema(json, ['text']) },
    },
  };
}

/**
 * The parts of a post, with the image that `image_url` names.
 *
 * @throws what `fetchImage` throws
 */
export async function withFetchedImage(
  parts: FormPart[],
  { request, reply, context }: { request: FastifyRequest; reply: FastifyReply; context: RouteContext },
): Promise<FormPart[]> {
  const part = parts.find(({ name }) => name === 'image_url');
  if (!part) return parts;
  const url = part.bytes.toString();
  const signal = disconnectSignal(reply);
  const bytes = await fetchImage(url, context.settings.fetch, { budget: context.budget, signal });
  request.bodyBytes += bytes.length;
  const filename = path.posix.basename(URL.parse(url)?.pathname ?? '');
  return [...parts.filter((other) => other !== part), { ...part, name: 'image', filename, bytes }];
}

/** Lets the watchers hear of verdicts. */
export function tell({ watchers }: RouteContext, ...verdicts: Parameters<VerdictWatcher>): void {
  for (const watch of watchers) watch(...verdicts);
}

/** The field that asks for UNSURE, for the documentation of the API. */
export const abstainField = {
  type: 'boolean',
  description: 'answer UNSURE, with label_id -1, where the model is not sure enough; by default as serve.abstain says',
};
