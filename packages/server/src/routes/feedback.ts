import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Desk } from '../feedback/desk.ts';
import { deskLabels } from '../feedback/records.ts';
import { acceptBody, parseJson } from '../http/body.ts';
import { fieldsInvalid } from '../http/error-body.ts';
import { errorResponses, jsonSchema } from '../openapi/schemas.ts';
import type { RouteContext } from './context.ts';

const requestSchema = z.strictObject({
  request_id: z
    .string()
    .regex(/^[\w.:-]{1,128}$/, 'the X-Request-Id of an answer')
    .describe('X-Request-Id of the answer that it is about'),
  post: z.int().min(0).max(10_000).default(0).describe('which post of a batch; 0 = the first'),
  label: z.enum(deskLabels).describe('what the desk found; UNKNOWN = it cannot tell'),
  note: z.string().max(2000).nullable().default(null),
});

const answerSchema = z.object({
  request_id: z.string(),
  label: z.enum(deskLabels),
  known: z.boolean().describe('whether this process gave that verdict; others are joined by the report'),
});

/** `POST /feedback`: what the desk says of a verdict. */
export async function feedbackRoutes(app: FastifyInstance, context: RouteContext & { desk: Desk }): Promise<void> {
  const { settings, budget, checkKey, desk } = context;
  const maxBytes = Math.min(16_384, settings.max_body_bytes);
  acceptBody(app, { maxBytes, budget, parsers: { 'application/json': parseJson } });
  const schema = {
    summary: 'Say what a post was',
    description: `Kept in ${settings.feedback.store?.startsWith('s3:') ? 'a bucket' : 'a folder'} of the operator: the id, the label, the note, the verdict, the time${settings.feedback.keep_posts ? ', and the post' : '; not the post'}.`,
    tags: ['verdicts'],
    body: jsonSchema(requestSchema, 'input'),
    response: {
      201: { description: 'It is kept', ...jsonSchema(answerSchema) },
      ...errorResponses([
        'CROSSCHECK_SERVER_JSON_BROKEN',
        'CROSSCHECK_SERVER_KEY_REFUSED',
        'CROSSCHECK_SERVER_BODY_TOO_LARGE',
        'CROSSCHECK_SERVER_MEDIA_TYPE',
        'CROSSCHECK_SERVER_FIELDS_INVALID',
        'CROSSCHECK_FEEDBACK_STORE',
      ]),
    },
  };
  app.addHook('onRequest', async ({ headers }) => checkKey(headers));
  app.post<{ Body: unknown }>('/feedback', { schema }, async ({ body }, reply) => {
    const { request_id: requestId, ...said } = readFeedback(body);
    const known = await desk.take({ requestId, ...said });
    return reply.code(201).send({ request_id: requestId, label: said.label, known });
  });
}

/** @throws CROSSCHECK_SERVER_FIELDS_INVALID */
function readFeedback(body: unknown): z.infer<typeof requestSchema> {
  const result = requestSchema.safeParse(body);
  if (result.success) return result.data;
  throw fieldsInvalid(
    result.error.issues.map(({ path, message }) => ({
      type: 'value_error',
      loc: ['body', ...path.map(String)],
      msg: message,
    })),
  );
}
