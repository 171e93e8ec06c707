import { CrosscheckError, type LabelName } from '@crosscheck/contract';
import type { Classifier, Post, Prediction } from '@crosscheck/inference';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type FieldProblem, fieldsInvalid } from '../form/field-problem.ts';
import { checkTextLength } from '../form/read-posts.ts';
import { acceptBody, parseJson } from '../http/accept-body.ts';
import { errorResponses, modelErrors } from '../openapi/error-responses.ts';
import { jsonSchema } from '../openapi/json-schema.ts';
import { version } from '../version.ts';
import type { RouteContext } from './context.ts';
import { judge } from './judge.ts';

// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

const inputTensor = z.object({
  name: z.enum(['text', 'image']),
  datatype: z.literal('BYTES'),
  shape: z.array(z.int().min(0)).min(1).max(2).describe('[N] or [N, 1]'),
  parameters: z.looseObject({ content_type: z.string().optional() }).optional(),
  data: z.array(z.string()).describe('texts, or pictures in base64'),
});

const inferRequest = z.object({
  id: z.string().max(256).optional(),
  inputs: z.array(inputTensor).length(2),
  outputs: z
    .array(z.object({ name: z.string() }))
    .optional()
    .describe('the ones wanted; all when left out'),
});

const outputTensor = z.object({
  name: z.string(),
  datatype: z.enum(['BYTES', 'FP32', 'INT64']),
  shape: z.array(z.int()),
  data: z.array(z.union([z.number(), z.string()])),
});

const inferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(outputTensor),
});

type InferRequest = z.infer<typeof inferRequest>;
type OutputTensor = z.infer<typeof outputTensor>;

const outputs: { name: string; datatype: OutputTensor['datatype']; read: (p: Prediction) => number | LabelName }[] = [
  { name: 'prediction', datatype: 'BYTES', read: ({ prediction }) => prediction },
  { name: 'label_id', datatype: 'INT64', read: ({ labelId }) => labelId },
  { name: 'probability_fake', datatype: 'FP32', read: ({ probabilityFake }) => probabilityFake },
  { name: 'confidence', datatype: 'FP32', read: ({ confidence }) => confidence },
  { name: 'logit', datatype: 'FP32', read: ({ logit }) => logit },
];

const metadataSchema = z.looseObject({ name: z.string(), versions: z.array(z.string()), platform: z.string() });
const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });

/** The Open Inference Protocol v2 over REST: posts as BYTES tensors, so that a client needs no tokenizer of its own. */
export async function inferenceProtocolRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { service, settings, budget, admit } = context;
  acceptBody(app, { maxBytes: settings.max_body_bytes, budget, parsers: { 'application/json': parseJson } });
  const tags = ['Open Inference Protocol'];
  const modelErrorsHere = errorResponses(['CROSSCHECK_SERVER_MODEL_UNKNOWN', 'CROSSCHECK_SERVER_STARTING']);

  app.get('/v2', { schema: { summary: 'The server', tags } }, async () => ({
    name: 'crosscheck',
    version,
    extensions: [],
  }));

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(
      path,
      {
        schema: {
          summary: 'The model, its inputs and outputs',
          tags,
          params: paramsSchema(path),
          response: {
            200: jsonSchema(metadataSchema.extend({ inputs: z.array(tensor), outputs: z.array(tensor) })),
            ...modelErrorsHere,
          },
        },
      },
      async ({ params }) => describeModel(requireNamed(service.requireModel(), params)),
    );
    app.get<{ Params: ModelParams }>(
      `${path}/ready`,
      {
        config: { isQuiet: true },
        schema: { summary: 'May the model be asked?', tags, params: paramsSchema(path), response: modelErrorsHere },
      },
      async ({ params }) => {
        const { artifact } = requireNamed(service.requireReady(), params);
        return { name: artifact.name, ready: true };
      },
    );
    app.post<{ Params: ModelParams; Body: unknown }>(
      `${path}/infer`,
      {
        onRequest: async (request) => admit(request),
        schema: {
          summary: 'Judge posts',
          description: `Two BYTES tensors of the same length, at most ${settings.max_posts}: text, and image with every picture in base64.`,
          tags,
          params: paramsSchema(path),
          body: jsonSchema(inferRequest.meta({ examples: [exampleRequest] }), 'input'),
          response: {
            200: { description: 'Verdicts', ...jsonSchema(inferResponse) },
            ...errorResponses(['CROSSCHECK_SERVER_JSON_BROKEN', 'CROSSCHECK_SERVER_MODEL_UNKNOWN', ...modelErrors]),
          },
        },
      },
      async ({ params, body }, reply) => {
        const classifier = requireNamed(service.requireModel(), params);
        const request = readRequest(body);
        const posts = readPosts(request, { maxTextLength: settings.max_text_length, maxPosts: settings.max_posts });
        const predictions = await judge(classifier, posts, { reply, deadlineMs: settings.deadline_ms });
        return respond(classifier, request, predictions);
      },
    );
  }
}

interface ModelParams {
  name: string;
  version?: string;
}

const exampleRequest = {
  id: '1',
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [1], data: ['This frog sitting on a light'] },
    { name: 'image', datatype: 'BYTES', shape: [1], parameters: { content_type: 'base64' }, data: ['iVBORw0KGgo…'] },
  ],
};

function paramsSchema(path: string): object {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) };
}

/** @throws CROSSCHECK_SERVER_MODEL_UNKNOWN */
function requireNamed(classifier: Classifier, { name, version: wanted }: ModelParams): Classifier {
  const { artifact } = classifier;
  if (name === artifact.name && (wanted === undefined || wanted === artifact.version)) return classifier;
  const asked = wanted === undefined ? `"${name}"` : `"${name}" version "${wanted}"`;
  const message = `no model ${asked.slice(0, 200)} here; this service has "${artifact.name}" version "${artifact.version}"`;
  throw new CrosscheckError('CROSSCHECK_SERVER_MODEL_UNKNOWN', message);
}

function describeModel({ artifact }: Classifier) {
  return {
    name: artifact.name,
    versions: [artifact.version],
    platform: 'onnxruntime_onnx',
    inputs: ['text', 'image'].map((name) => ({ name, datatype: 'BYTES', shape: [-1] })),
    outputs: outputs.map(({ name, datatype }) => ({ name, datatype, shape: [-1] })),
    parameters: { labels: artifact.labels, threshold: artifact.threshold, precision: artifact.precision },
  };
}

function readRequest(body: unknown): InferRequest {
  const result = inferRequest.safeParse(body);
  if (result.success) return result.data;
  throw fieldsInvalid(
    result.error.issues
      .slice(0, 10)
      .map(({ path, message }) => ({ type: 'value_error', loc: ['body', ...path.map(String)], msg: message })),
  );
}

/** @throws CROSSCHECK_SERVER_FIELDS_INVALID */
function readPosts(
  { inputs }: InferRequest,
  { maxTextLength, maxPosts }: { maxTextLength: number; maxPosts: number },
): Post[] {
  const problems: FieldProblem[] = [];
  const [text, image] = ['text', 'image'].map((name) => inputs.find((input) => input.name === name));
  if (!text || !image)
    throw fieldsInvalid([
      { type: 'missing', loc: ['body', 'inputs'], msg: 'One tensor text and one tensor image are required' },
    ]);
  for (const { name, shape, data } of [text, image]) {
    const loc = ['body', 'inputs', name];
    if (shape.reduce((product, size) => product * size, 1) !== data.length || shape[0] !== text.data.length)
      problems.push({
        type: 'value_error',
        loc,
        msg: `Shape [${shape.join(', ')}] does not fit ${data.length} elements beside ${text.data.length} texts`,
      });
    if (data.length === 0 || data.length > maxPosts)
      problems.push({
        type: 'too_many',
        loc,
        msg: `From 1 to ${maxPosts} posts are allowed, got ${data.length}`,
        ctx: { max_length: maxPosts },
      });
  }
  text.data.forEach((words, i) =>
    checkTextLength(words, { maxTextLength, loc: ['body', 'inputs', 'text', i], problems }),
  );
  const pictures = image.data.map((encoded) => Buffer.from(encoded, 'base64'));
  if (problems.length > 0) throw fieldsInvalid(problems);
  return text.data.map((words, i) => ({ text: words, image: pictures[i] as Buffer }));
}

function respond(
  { artifact }: Classifier,
  request: InferRequest,
  predictions: Prediction[],
): z.infer<typeof inferResponse> {
  const wanted = request.outputs?.map(({ name }) => name);
  return {
    model_name: artifact.name,
    model_version: artifact.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    outputs: outputs
      .filter(({ name }) => wanted?.includes(name) ?? true)
      .map(({ name, datatype, read }) => ({
        name,
        datatype,
        shape: [predictions.length],
        data: predictions.map(read),
      })),
  };
}
