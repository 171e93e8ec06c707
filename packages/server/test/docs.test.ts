import { readFileSync } from 'node:fs';
import { answeredErrors } from '@crosscheck/contract';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { defaultSettings, tinyService } from './tiny-service.ts';

const service = tinyService();

interface Operation {
  summary?: string;
  requestBody?: { content: Record<string, { schema: { properties: Record<string, object>; required: string[] } }> };
  responses: Record<
    string,
    { content: Record<string, { examples?: Record<string, { value: Record<string, unknown> }> }> }
  >;
}

type Paths = Record<string, Record<string, Operation>>;

async function readDocument(): Promise<{ openapi: string; paths: Paths }> {
  return (await (await service.app()).inject('/openapi.json')).json();
}

test('/openapi.json describes every route, and /predict as the form that it takes', async () => {
  const { openapi, paths } = await readDocument();
  expect(openapi).toBe('3.1.0');
  expect(Object.keys(paths).toSorted()).toEqual(
    [
      '/explain',
      '/health',
      '/livez',
      '/metrics',
      '/predict',
      '/predict/batch',
      '/readyz',
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      ...['', '/infer', '/ready'].flatMap((end) => [
        `/v2/models/{name}${end}`,
        `/v2/models/{name}/versions/{version}${end}`,
      ]),
    ].toSorted(),
  );
  for (const operations of Object.values(paths))
    for (const { summary } of Object.values(operations)) expect(summary).toBeTruthy();
  const { schema } = paths['/predict']?.post?.requestBody?.content['multipart/form-data'] ?? {};
  expect(schema?.required).toEqual(['text', 'image']);
  expect(schema?.properties.image).toMatchObject({ type: 'string', format: 'binary' });
});

test('every error of /predict has an example under its status', async () => {
  const { paths } = await readDocument();
  const responses = paths['/predict']?.post?.responses ?? {};
  expect(Object.keys(responses)).toEqual(['200', '400', '401', '408', '413', '415', '422', '429', '503', '504']);
  for (const [status, { content }] of Object.entries(responses).slice(1)) {
    for (const [code, { value }] of Object.entries(content['application/json']?.examples ?? {})) {
      expect(value).toMatchObject({ statusCode: Number(status), code, error: expect.any(String) });
      expect(answeredErrors).toHaveProperty(code);
    }
    expect(Object.keys(content['application/json']?.examples ?? {})).not.toHaveLength(0);
  }
});

test('every error there is has an example among the components', async () => {
  const { components } = (await (await service.app()).inject('/openapi.json')).json() as {
    components: { examples: Record<string, { value: { code: string; statusCode: number } }> };
  };
  for (const [code, { status }] of Object.entries(answeredErrors))
    expect(components.examples[code]?.value).toMatchObject({ code, statusCode: status });
  expect(components.examples.CROSSCHECK_SERVER_INTERNAL?.value.statusCode).toBe(500);
});

test('/docs is Swagger UI from this host alone', async () => {
  const app = await service.app();
  const page = await app.inject('/docs');
  expect(page.statusCode).toBe(200);
  expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(page.body).not.toMatch(/<script(?![^>]*src)/);
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
  expect(assets.length).toBeGreaterThan(4);
  for (const url of assets) expect((await app.inject(url)).statusCode).toBe(200);
  expect(page.headers['content-security-policy']).toContain("script-src 'self';");
  expect((await app.inject('/docs/static/swagger-initializer.js')).body).not.toContain('petstore');
});

test('an API key is declared when there is one', async () => {
  const app = await service.app({ api_key: 'k' });
  expect((await app.inject('/openapi.json')).json()).toMatchObject({
    security: [{ apiKey: [] }],
    components: { securitySchemes: { apiKey: { in: 'header', name: 'X-API-Key' } } },
  });
});

const guide = readFileSync(`${repositoryRoot}/docs/serving.md`, 'utf8');

test('docs/serving.md names every route and every limit', async () => {
  const { paths } = await readDocument();
  for (const path of Object.keys(paths)) expect(guide).toContain(path.replace(/\/versions\/.*|\/ready$/, ''));
  const { artifact: _, host: __, port: ___, ...limits } = defaultSettings;
  for (const key of Object.keys(limits)) expect(guide).toContain(key);
});
