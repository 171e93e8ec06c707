import { type AnsweredCode, answeredErrors, CrosscheckError } from '@crosscheck/contract';
import { z } from 'zod';
import { type FieldProblem, fieldsInvalid, toErrorBody, toProtocolError } from '../http/error-body.ts';

/** A zod schema as JSON Schema, for the API's documentation; an input may have more properties than are named. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> {
  const whole: Record<string, unknown> = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: node }) => dropSafeRange(node),
  });
  delete whole.$schema;
  return whole;
}

/** zod states the range of safe integers for every integer; a reader of the documentation learns nothing from it. */
function dropSafeRange(node: { minimum?: number; maximum?: number }): void {
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
}

const fieldProblemSchema = z.object({
  type: z.string().describe('kind of problem, in the words of FastAPI'),
  loc: z.array(z.union([z.string(), z.int()])).describe('where it is'),
  msg: z.string(),
  ctx: z.record(z.string(), z.number()).optional().describe('the limits that were passed'),
});

/** Shared by all routes under this name. */
export const errorSchemaId = 'Error';

export const errorSchema: object = jsonSchema(
  z
    .object({
      statusCode: z.int(),
      code: z.string().describe('never changes its meaning; docs/errors.md explains each'),
      error: z.string().describe('name of the status'),
      message: z.string().describe('what was expected, what came, what to do'),
      detail: z
        .union([z.string(), z.array(fieldProblemSchema)])
        .describe('the message, or what is wrong with each field'),
    })
    .meta({ title: errorSchemaId }),
);

const exampleProblems: FieldProblem[] = [
  { type: 'missing', loc: ['body', 'image'], msg: 'Field required; this model needs a picture and words' },
];

function exampleOf(code: AnsweredCode) {
  const isAboutFields = code === 'CROSSCHECK_SERVER_FIELDS_INVALID';
  const error = isAboutFields
    ? fieldsInvalid(exampleProblems)
    : new CrosscheckError(code, answeredErrors[code].example);
  return toErrorBody(error);
}

/** An example of every error there is, also of those that belong to no route, for `components.examples`. */
export function allErrorExamples(): Record<string, { summary: string; value: object }> {
  const codes = Object.keys(answeredErrors) as AnsweredCode[];
  return Object.fromEntries(
    codes.map((code) => [code, { summary: `${answeredErrors[code].status}`, value: exampleOf(code) }]),
  );
}

/** Response schemas of a route for the errors that it answers with, with an example of each. */
export function errorResponses(codes: readonly AnsweredCode[]): Record<number, object> {
  const byStatus = Map.groupBy(codes, (code) => answeredErrors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, members]) => {
      const examples = Object.fromEntries(members.map((code) => [code, { value: exampleOf(code) }]));
      const content = { 'application/json': { schema: { $ref: `${errorSchemaId}#` }, examples } };
      return [status, { description: exampleOf(members[0] as AnsweredCode).error, content }];
    }),
  );
}

const protocolErrorSchema = { type: 'object', required: ['error'], properties: { error: { type: 'string' } } };

/** The same for routes of the Open Inference Protocol. */
export function protocolErrors(codes: readonly AnsweredCode[]): Record<number, object> {
  const answers = codes.map((code) => ({ code, name: exampleOf(code).error, ...toProtocolError(exampleOf(code)) }));
  return Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, members]) => {
      const examples = Object.fromEntries(members.map(({ code, body }) => [code, { value: body }]));
      const content = { 'application/json': { schema: protocolErrorSchema, examples } };
      return [status, { description: members[0]?.name, content }];
    }),
  );
}

/** What routes that take image_url may answer with besides. */
export const fetchErrors = [
  'CROSSCHECK_FETCH_OFF',
  'CROSSCHECK_FETCH_URL',
  'CROSSCHECK_FETCH_HOST',
  'CROSSCHECK_FETCH_ADDRESS',
  'CROSSCHECK_FETCH_REDIRECT',
  'CROSSCHECK_FETCH_FAILED',
  'CROSSCHECK_FETCH_TOO_LARGE',
  'CROSSCHECK_FETCH_TIMEOUT',
] as const satisfies AnsweredCode[];

/** What every route that asks the model may answer with. */
export const modelErrors = [
  'CROSSCHECK_IMAGE_UNREADABLE',
  'CROSSCHECK_IMAGE_TOO_SMALL',
  'CROSSCHECK_SERVER_KEY_REFUSED',
  'CROSSCHECK_SERVER_UPLOAD_SLOW',
  'CROSSCHECK_SERVER_BODY_TOO_LARGE',
  'CROSSCHECK_IMAGE_TOO_LARGE',
  'CROSSCHECK_IMAGE_TOO_COMPLEX',
  'CROSSCHECK_IMAGE_OVER_BUDGET',
  'CROSSCHECK_IMAGE_BUDGET_BUSY',
  'CROSSCHECK_IMAGE_DECODER_ENDED',
  'CROSSCHECK_SERVER_MEDIA_TYPE',
  'CROSSCHECK_IMAGE_UNSUPPORTED',
  'CROSSCHECK_IMAGE_POLYGLOT',
  'CROSSCHECK_SERVER_FIELDS_INVALID',
  'CROSSCHECK_INFERENCE_POST_INCOMPLETE',
  'CROSSCHECK_INFERENCE_NO_BAND',
  'CROSSCHECK_INFERENCE_QUEUE_FULL',
  'CROSSCHECK_SERVER_BUSY',
  'CROSSCHECK_SERVER_STARTING',
  'CROSSCHECK_SERVER_DRAINING',
  'CROSSCHECK_INFERENCE_WORKER_CRASHED',
  'CROSSCHECK_INFERENCE_TIMEOUT',
] as const satisfies AnsweredCode[];
