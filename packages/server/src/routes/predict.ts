import { type Prediction, withBand } from '@crosscheck/inference';
import type { FastifyInstance } from 'fastify';
import { parsePostJson } from '../form/json-post.ts';
import { type FormPart, parseMultipart, parseUrlencoded } from '../form/multipart.ts';
import { readPost, readPosts, type UploadedPost } from '../form/read-posts.ts';
import { acceptBody } from '../http/body.ts';
import { errorResponses, fetchErrors, jsonSchema, modelErrors } from '../openapi/schemas.ts';
import { answerSchema, batchAnswerSchema, toAnswer, toBatchAnswer } from './answer.ts';
import {
  abstainField,
  bandFor,
  imageField,
  postBody,
  postLimits,
  type RouteContext,
  tell,
  withFetchedImage,
} from './context.ts';
import { judge, limitsOf } from './judge.ts';

const bodyErrors = ['CROSSCHECK_SERVER_FORM_BROKEN', 'CROSSCHECK_SERVER_JSON_BROKEN'] as const;
const singleErrors = [...bodyErrors, ...modelErrors, ...fetchErrors];
const errors = errorResponses([...bodyErrors, ...modelErrors]);
const textField = (maxLength: number) => ({
  type: 'string',
  maxLength,
  description: 'the words of the post',
  examples: ['This frog sitting on a light'],
});

/** `POST /predict` and `POST /predict/batch`: a text and an image, in a form or as JSON. */
export async function predictRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { settings, budget, admit } = context;
  acceptBody(app, {
    maxBytes: settings.max_body_bytes,
    budget,
    parsers: {
      'multipart/form-data': (body, headers) =>
        parseMultipart(body, headers['content-type'] ?? '', 2 * settings.max_posts + 3),
      'application/x-www-form-urlencoded': parseUrlencoded,
      'application/json': parsePostJson,
    },
  });
  app.addHook('onRequest', async (request) => admit(request));
  addPredict(app, context);
  addPredictBatch(app, context);
}

interface FormRequest {
  /** Nothing was sent when it is missing. */
  Body: FormPart[] | undefined;
}

function addPredict(app: FastifyInstance, context: RouteContext): void {
  const { service, settings } = context;
  const schema = {
    summary: 'Judge one post',
    description:
      'Is this picture with these words real or fake? The two are judged together. A model that was trained for it also takes one of them alone.',
    tags: ['verdicts'],
    body: postBody(settings.max_text_length),
    response: { 200: { description: 'The verdict', ...jsonSchema(answerSchema) }, ...errorResponses(singleErrors) },
  };
  app.post<FormRequest>('/predict', { schema }, async (request, reply) => {
    const classifier = service.requireModel();
    const parts = await withFetchedImage(request.body ?? [], { request, reply, context });
    const { post, abstain } = readPost(parts, postLimits(settings, classifier));
    const band = bandFor(settings, classifier, abstain);
    const [prediction] = await judge(classifier, [post], limitsOf(reply, settings.deadline_ms));
    tell(context, reply, [post], [prediction as Prediction]);
    return toAnswer(post.filename, withBand(prediction as Prediction, band));
  });
}

function addPredictBatch(app: FastifyInstance, context: RouteContext): void {
  const { service, settings } = context;
  const { max_posts: maxItems, max_text_length: maxLength } = settings;
  const schema = {
    summary: 'Judge several posts',
    description: `Repeat text and image, at most ${maxItems} times each: the first text belongs to the first image, and so on. A post that cannot be judged carries its error and leaves the others alone; when none can be, the first error is the answer.`,
    tags: ['verdicts'],
    consumes: ['multipart/form-data'],
    body: formSchema({
      text: { type: 'array', items: textField(maxLength), maxItems },
      image: { type: 'array', items: imageField, maxItems },
    }),
    response: {
      200: { description: 'Verdicts in the order of the posts', ...jsonSchema(batchAnswerSchema) },
      ...errors,
    },
  };
  app.post<FormRequest>('/predict/batch', { schema }, async ({ body = [] }, reply) => {
    const classifier = service.requireModel();
    const { posts, abstain } = readPosts(body, postLimits(settings, classifier));
    const band = bandFor(settings, classifier, abstain);
    const shared = limitsOf(reply, settings.deadline_ms);
    const results = await Promise.allSettled(
      posts.map(({ text, image }) => judge(classifier, [{ text, image }], shared)),
    );
    const judged = results.map((result) => (result.status === 'fulfilled' ? result.value[0] : undefined));
    for (const [i, prediction] of judged.entries())
      if (prediction) tell(context, reply, [posts[i] as UploadedPost], [prediction], i);
    return toBatchAnswer(posts, results, band);
  });
}

function formSchema(properties: Record<string, object>): object {
  const required = Object.keys(properties);
  return {
    type: 'object',
    required,
    properties: { ...properties, abstain: abstainField },
    additionalProperties: false,
  };
}
