import { readAtMost, request } from './request.ts';

const maxBytes = 64 * 2 ** 20;
const bodiless = new Set([204, 205, 304]);

/**
 * `fetch` for small answers: the body is read before the promise resolves, so no connection waits for a reader.
 *
 * @throws as `request` does, and above 64 MiB
 */
export async function fetchWhole(url: string | URL, init: RequestInit = {}): Promise<Response> {
  // Encodes forms and the like; nothing is sent by it.
  const encoded = new Request(url, init);
  const { method, signal } = encoded;
  const body = init.body ? { body: new Uint8Array(await encoded.arrayBuffer()) } : {};
  const answer = await request({ url, method, headers: Object.fromEntries(encoded.headers), signal, ...body });
  const bytes = await readAtMost(answer, maxBytes);
  const { status, statusText, headers } = answer;
  headers.delete('content-encoding'); // undone already
  return new Response(bodiless.has(status) ? null : new Uint8Array(bytes), { status, statusText, headers });
}
