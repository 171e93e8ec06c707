import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.ts';

/** Same depth in src and dist. */
const read = (name: string) => readFileSync(new URL(`../../page/${name}`, import.meta.url));

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  jpg: 'image/jpeg',
};

const files: [url: string, name: string, type: keyof typeof types][] = [
  ['/', 'index.html', 'html'],
  ['/page/page.css', 'page.css', 'css'],
  ['/page/page.js', 'page.js', 'js'],
  ['/page/answer.js', 'answer.js', 'js'],
  ['/page/icon.svg', 'icon.svg', 'svg'],
  ['/page/examples/wildfire.jpg', 'examples/wildfire.jpg', 'jpg'],
  ['/page/examples/snowstorm.jpg', 'examples/snowstorm.jpg', 'jpg'],
];

/** Nothing from another host, nothing inline; pictures that the visitor drops are shown as blobs. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page at `/`, its files out of memory. */
export async function pageRoutes(app: FastifyInstance, { pathPrefix }: RouteContext): Promise<void> {
  for (const [url, name, type] of files) {
    const bytes = read(name);
    const headers = { 'content-type': types[type], 'content-security-policy': contentSecurityPolicy };
    app.get(url, { schema: { hide: true }, config: { isQuiet: true } }, async ({ raw, originalUrl }, reply) => {
      // Links of the page are relative to the folder that it stands in.
      if (url === '/' && !/^[^?]*\/(\?|$)/.test(originalUrl)) return reply.redirect(`${pathPrefix.of(raw)}/`);
      return reply.headers(headers).send(bytes);
    });
  }
}
