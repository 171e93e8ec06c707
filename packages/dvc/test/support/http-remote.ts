import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRemote {
  url: string;
  /** `GET /key bytes=…` of every request. */
  requests: string[];
  /** Called in place of the answer where it returns true. */
  disturb: (key: string, response: ServerResponse) => boolean;
  stop(): void;
}

/** A plain file server over objects, with ranges. */
export async function startHttpRemote(objects: ReadonlyMap<string, string>): Promise<HttpRemote> {
  const server = createServer(({ url = '/', headers }, response) => {
    const key = decodeURIComponent(url.slice(1));
    remote.requests.push(`${key} ${headers.range ?? ''}`.trim());
    if (remote.disturb(key, response)) return;
    const content = objects.get(key);
    if (content === undefined) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const bytes = Buffer.from(content);
    if (from > 0 && from >= bytes.length) return void response.writeHead(416).end();
    response.writeHead(from > 0 ? 206 : 200).end(bytes.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const remote: HttpRemote = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    disturb: () => false,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return remote;
}
