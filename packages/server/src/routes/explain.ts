import { CrosscheckError } from '@crosscheck/contract';
import { explanationToJson } from '@crosscheck/inference';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parsePostJson } from '../form/json-post.ts';
import { type FormPart, parseMultipart } from '../form/multipart.ts';
import { readPost } from '../form/read-posts.ts';
import { acceptBody } from '../http/body.ts';
import { errorResponses, fetchErrors, jsonSchema, modelErrors } from '../openapi/schemas.ts';
import { answerSchema } from './answer.ts';
import { bandFor, postBody, postLimits, type RouteContext, tell, withFetchedImage } from './context.ts';
import { explain, limitsOf } from './judge.ts';

const verdict = answerSchema.omit({ filename: true });
const half = z.object({
  contribution: z.number().describe('Shapley value in log-odds of FAKE'),
  share: z.number().min(0).max(1).describe('of both contributions'),
  alone: verdict.describe('with the other half replaced by neutral input'),
});

export const explanationSchema = answerSchema
  .extend({
    effects: z.string().describe('what contributions, weights and heat map are measured in'),
    picture: half,
    text: half,
    interaction: z.number().describe('what the pair says beyond its halves'),
    neither: verdict.describe('of neutral input'),
    heat_map: z.object({ rows: z.int(), columns: z.int(), values: z.array(z.array(z.number())) }),
    words: z.array(
      z.object({
        word: z.string(),
        start: z.int().describe('in UTF-16 units'),
        end: z.int(),
        weight: z.number().describe('what leaving it out changes'),
      }),
    ),
    passes: z.int().describe('posts that were judged for it'),
  })
  .meta({ title: 'Explanation' });

/** `POST /explain`: the form of `/predict`, and why. */
export async function explainRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { service, settings, budget, explanations, admit } = context;
  if (!settings.explain.enabled) return refuseExplanations(app);
  acceptBody(app, {
    maxBytes: settings.max_body_bytes,
    budget,
    parsers: {
      'multipart/form-data': (body, headers) => parseMultipart(body, headers['content-type'] ?? '', 6),
      'application/json': parsePostJson,
    },
  });
  app.addHook('onRequest', async (request) => admit(request, 'explanations'));
  app.post<{ Body: FormPart[] | undefined }>(
    '/explain',
    {
      schema: {
        summary: 'Judge one post and say why',
        description:
          'The verdict, what picture and words contribute to it, a heat map over the picture and a weight for every word, by hiding parts and judging again: about a hundred verdicts, at most 3 s on two idle cores. Positive effects speak for FAKE.',
        tags: ['verdicts'],
        body: postBody(settings.max_text_length),
        response: {
          200: { description: 'The verdict and its reasons', ...jsonSchema(explanationSchema) },
          ...errorResponses([
            'CROSSCHECK_SERVER_FORM_BROKEN',
            'CROSSCHECK_SERVER_JSON_BROKEN',
            ...modelErrors,
            ...fetchErrors,
          ]),
        },
      },
    },
    async (request, reply) => {
      const classifier = service.requireModel();
      const parts = await withFetchedImage(request.body ?? [], { request, reply, context });
      const { post, abstain } = readPost(parts, postLimits(settings, classifier));
      const band = bandFor(settings, classifier, abstain);
      const work = () => explain(classifier, post, limitsOf(reply, settings.deadline_ms));
      const explanation = await explanations.find(post, work);
      tell(context, reply, [post], [explanation.prediction]);
      return { filename: post.filename, ...explanationToJson(explanation, band) };
    },
  );
}

/** Says why there is nothing, before the post is sent. */
function refuseExplanations(app: FastifyInstance): void {
  const refuse = async () => {
    const message = 'explanations are off (serve.explain.enabled); POST /predict gives verdicts without them';
    throw new CrosscheckError('CROSSCHECK_SERVER_EXPLAIN_OFF', message);
  };
  app.post('/explain', { schema: { hide: true }, onRequest: refuse }, refuse);
}
