import type { FastifyInstance, FastifyReply } from 'fastify';
import { errorResponses } from '../openapi/schemas.ts';
import type { RouteContext } from './context.ts';

const quiet = { isQuiet: true };
const tags = ['health'];
const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const notReady = errorResponses([
  'CROSSCHECK_SERVER_STARTING',
  'CROSSCHECK_SERVER_DRAINING',
  'CROSSCHECK_INFERENCE_WORKER_CRASHED',
  'CROSSCHECK_SERVER_DECODERS_STUCK',
]);

/** Probes: the original's, Kubernetes', and those of the Open Inference Protocol. */
export async function healthRoutes(app: FastifyInstance, { service }: RouteContext): Promise<void> {
  const status = (name: string, summary: string) => ({
    config: quiet,
    schema: { summary, tags, response: { 200: object({ [name]: { type: 'string' } }), ...notReady } },
  });
  const flag = (names: string[], summary: string) => {
    const answer = object(Object.fromEntries(names.map((name) => [name, { type: 'boolean' }])));
    return { config: quiet, schema: { summary, tags, response: { 200: answer, 503: answer } } };
  };
  // The protocol's text calls the second one live, too; KServe and its client call it ready.
  const flags = { live: ['live'], ready: ['ready', 'live'] };

  app.get(
    '/health',
    {
      config: quiet,
      schema: {
        summary: 'Is there a model? (as the original answers)',
        tags,
        response: { 200: object({ status: { type: 'string' }, device: { type: 'string' } }), ...notReady },
      },
    },
    async () => {
      service.requireModel();
      return { status: 'ok', device: 'cpu' };
    },
  );
  app.get('/livez', status('status', 'Is the process alive? Restart it if not'), async () => {
    if (service.isLoaded) service.requireModel();
    return { status: 'alive' };
  });
  app.get(
    '/readyz',
    status('status', 'May it get requests? Not while it starts or drains, or while its decoders are stuck'),
    async () => {
      service.requireRoutable();
      return { status: 'ready' };
    },
  );
  app.get('/v2/health/live', flag(flags.live, 'Open Inference Protocol: alive?'), async (_request, reply) => {
    const isAlive = holds(() => service.isLoaded && service.requireModel());
    return answerFlags(reply, flags.live, isAlive);
  });
  app.get('/v2/health/ready', flag(flags.ready, 'Open Inference Protocol: ready?'), async (_request, reply) => {
    const isReady = holds(() => service.requireRoutable());
    return answerFlags(reply, flags.ready, isReady);
  });
}

function holds(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function answerFlags(reply: FastifyReply, names: string[], value: boolean): FastifyReply {
  return reply.code(value ? 200 : 503).send(Object.fromEntries(names.map((name) => [name, value])));
}
