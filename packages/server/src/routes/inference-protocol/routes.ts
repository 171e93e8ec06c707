import { CrosscheckError } from '@crosscheck/contract';
import { type Classifier, withBand } from '@crosscheck/inference';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { acceptBody } from '../../http/body.ts';
import { jsonSchema, modelErrors, protocolErrors } from '../../openapi/schemas.ts';
import { version } from '../../version.ts';
import { bandFor, postLimits, type RouteContext, tell } from '../context.ts';
import { judge, limitsOf } from '../judge.ts';
import { exampleRequest, inferRequest, readRequest } from './infer-request.ts';
import { checkOutputs, type InferAnswer, inferResponse, outputs, respond } from './infer-response.ts';
import { type InferBody, parseInferBody, readPosts } from './tensors.ts';

// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

const metadataSchema = z.looseObject({ name: z.string(), versions: z.array(z.string()), platform: z.string() });
const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });

/** The Open Inference Protocol v2 over REST: posts as BYTES tensors, so that a client needs no tokenizer of its own. */
export async function inferenceProtocolRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { service, settings, budget, admit } = context;
  acceptBody(app, { maxBytes: settings.max_body_bytes, budget, parsers: { '*': parseInferBody } });
  const tags = ['Open Inference Protocol'];
  const modelErrorsHere = protocolErrors(['CROSSCHECK_SERVER_MODEL_UNKNOWN', 'CROSSCHECK_SERVER_STARTING']);

  app.get('/v2', { schema: { summary: 'The server', tags } }, async () => ({
    name: 'crosscheck',
    version,
    extensions: ['binary_tensor_data'],
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
    app.post<{ Params: ModelParams; Body: InferBody | undefined }>(
      `${path}/infer`,
      {
        onRequest: async (request) => admit(request),
        schema: {
          summary: 'Judge posts',
          description: `Two tensors for the same posts, at most ${settings.max_posts}: text, and image as files (BYTES; base64 in JSON) or as RGB (UINT8). Either may follow the JSON in binary, with the header Inference-Header-Content-Length.`,
          tags,
          consumes: ['application/json', 'application/octet-stream'],
          params: paramsSchema(path),
          body: jsonSchema(inferRequest.meta({ examples: [exampleRequest] }), 'input'),
          response: {
            200: { description: 'Verdicts', ...jsonSchema(inferResponse) },
            ...protocolErrors([
              'CROSSCHECK_SERVER_FORM_BROKEN',
              'CROSSCHECK_SERVER_JSON_BROKEN',
              'CROSSCHECK_SERVER_MODEL_UNKNOWN',
              ...modelErrors,
            ]),
          },
        },
      },
      async ({ params, body }, reply) => {
        const classifier = requireNamed(service.requireModel(), params);
        const request = readRequest(body?.json);
        checkOutputs(request);
        const posts = readPosts(request, body?.tensors ?? Buffer.alloc(0), postLimits(settings, classifier));
        const band = bandFor(settings, classifier, request.parameters?.abstain ?? null);
        const predictions = await judge(classifier, posts, limitsOf(reply, settings.deadline_ms));
        tell(context, reply, posts, predictions);
        const judged = predictions.map((prediction) => withBand(prediction, band));
        return sendAnswer(reply, respond(classifier, request, judged));
      },
    );
  }
}

function sendAnswer(reply: FastifyReply, { json, tensors }: InferAnswer): FastifyReply {
  if (tensors.length === 0) return reply.send(json);
  const head = Buffer.from(JSON.stringify(json));
  return reply
    .headers({ 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) })
    .send(Buffer.concat([head, ...tensors]));
}

interface ModelParams {
  name: string;
  version?: string;
}

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

function describeModel({ artifact, threshold, abstainBand }: Classifier) {
  return {
    name: artifact.name,
    versions: [artifact.version],
    platform: 'onnxruntime_onnx',
    inputs: ['text', 'image'].map((name) => ({ name, datatype: 'BYTES', shape: [-1] })),
    outputs: outputs.map(({ name, datatype }) => ({ name, datatype, shape: [-1] })),
    parameters: {
      labels: artifact.labels,
      threshold,
      temperature: artifact.temperature,
      abstain_band: abstainBand && [abstainBand.low, abstainBand.high],
      modalities: artifact.modalities,
      precision: artifact.precision,
    },
  };
}
