import type { CallOptions, Page } from '../types.ts';
import type { HttpRequest, QueryValue, Transport } from './transport.ts';

const ROOT = '/api/2.0/mlflow/';

/** MLflow's JSON endpoints below `/api/2.0/mlflow/`. */
export interface Api {
  get<T>(endpoint: string, query?: Readonly<Record<string, QueryValue>>): Promise<T>;
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', endpoint: string, payload: unknown, options?: CallOptions): Promise<T>;
}

export function createApi(transport: Transport): Api {
  return {
    get: (endpoint, query) => transport.json({ method: 'GET', path: ROOT + endpoint, query }),
    send: (method: HttpRequest['method'], endpoint, payload, options) =>
      transport.json({ method, path: ROOT + endpoint, payload, signal: options?.signal }),
  };
}

/** Walks a paged search to its end. */
export async function* walkPages<T>(fetchPage: (pageToken?: string) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let token: string | null | undefined; token !== null; ) {
    const page: Page<T> = await fetchPage(token);
    yield* page.items;
    token = page.nextPageToken;
  }
}

export function toPage<W, T>(
  items: readonly W[] | undefined,
  token: string | undefined,
  parse: (wire: W) => T,
): Page<T> {
  return { items: (items ?? []).map(parse), nextPageToken: token || null };
}
