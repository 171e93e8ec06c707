import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

/** Same depth in src and dist. */
const read = (name: string) => readFileSync(new URL(`../../page/${name}`, import.meta.url), 'utf8');

const files = [
  { url: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { url: '/page/page.css', name: 'page.css', type: 'text/css; charset=utf-8' },
  { url: '/page/icon.svg', name: 'icon.svg', type: 'image/svg+xml' },
  { url: '/page/page.js', name: 'page.js', type: 'text/javascript; charset=utf-8' },
];

/** Nothing from another host, nothing inline; pictures that the visitor drops are shown as blobs. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page at `/`, its files out of memory. */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  for (const { url, name, type } of files) {
    const text = read(name);
    app.get(url, { schema: { hide: true }, config: { isQuiet: true } }, async (_request, reply) =>
      reply.headers({ 'content-type': type, 'content-security-policy': contentSecurityPolicy }).send(text),
    );
  }
}
