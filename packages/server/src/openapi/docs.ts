import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { Prefix } from '../http/prefix.ts';
import { version } from '../version.ts';
import { allErrorExamples, errorSchema, errorSchemaId } from './schemas.ts';

const description = `Judges news posts: is this picture with these words real or fake? 0 = REAL, 1 = FAKE.

Every error has the same body: \`statusCode\`, a stable \`code\`, \`error\`, \`message\`, and \`detail\` (the message, or a list of fields with what is wrong).`;

/** Swagger UI needs styles from its own script; nothing comes from another host. */
const contentSecurityPolicy = {
  'default-src': ["'none'"],
  'connect-src': ["'self'"],
  'font-src': ["'self'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
};

interface DocsOptions {
  hasApiKey: boolean;
  prefix: Prefix;
}

/** `GET /docs` and `GET /openapi.json`. Must be registered before the routes that it describes. */
export async function addDocs(app: FastifyInstance, { hasApiKey, prefix }: DocsOptions): Promise<void> {
  app.addSchema({ $id: errorSchemaId, ...errorSchema });
  await app.register(swagger, {
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, i) => (typeof $id === 'string' ? $id : `schema-${i}`),
    },
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Crosscheck', version, description },
      tags: [{ name: 'verdicts' }, { name: 'Open Inference Protocol' }, { name: 'health' }],
      components: {
        examples: allErrorExamples(),
        ...(hasApiKey && { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } } }),
      },
      ...(hasApiKey && { security: [{ apiKey: [] }] }),
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: '.', // links are relative: a gateway may serve this under a path that nobody tells
    transformSpecificationClone: false,
    transformSpecification: (document, request) => ({
      ...document,
      // From /docs/json, one up is where everything else is.
      servers: [{ url: prefix.of(request.raw) || '..' }],
    }),
    staticCSP: contentSecurityPolicy,
    logLevel: 'silent',
    uiConfig: { layout: 'BaseLayout', deepLinking: true, displayRequestDuration: true, tryItOutEnabled: true },
    theme: { title: 'Crosscheck API' },
  });
  app.get('/openapi.json', { schema: { hide: true }, config: { isQuiet: true } }, async ({ raw }) => {
    const path = prefix.of(raw);
    return path === '' ? app.swagger() : { ...app.swagger(), servers: [{ url: path }] };
  });
}
