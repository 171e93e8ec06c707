import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '@crosscheck/contract';
import sharp from 'sharp';

/** A picture with something to see in it, different for every seed. */
export function drawPicture(seed: number | string, { width = 64, height = 48, quality = 85 } = {}): Promise<Buffer> {
  const random = createRandom('test picture', seed);
  const colour = () => `rgb(${random.int(256)},${random.int(256)},${random.int(256)})`;
  const shapes = Array.from({ length: 9 }, () => {
    const [x, y, r] = [random.int(width), random.int(height), 4 + random.int(width / 3)];
    return random.next() < 0.5
      ? `<circle cx="${x}" cy="${y}" r="${r}" fill="${colour()}"/>`
      : `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${r}" fill="${colour()}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${colour()}"/>${shapes.join('')}</svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality }).toBuffer();
}

/** As small and as grey as imgur's. */
export function drawPlaceholder(): Promise<Buffer> {
  const background = { r: 34, g: 34, b: 34 };
  return sharp({ create: { width: 161, height: 81, channels: 3, background } })
    .png()
    .toBuffer();
}

export interface PictureHost {
  /** `http://localhost:<port>` */
  origin: string;
  /** Requests by path. */
  requests: Map<string, { count: number; times: number[] }>;
  /** Most requests that were ever under way at once. */
  busiest: () => number;
  close(): Promise<void>;
}

type Behaviour = (response: ServerResponse, request: IncomingMessage, visit: number) => Promise<void> | void;

/** A host on which everything that goes wrong with pictures goes wrong, by the first part of the path: `/404/7`. */
export async function openPictureHost(): Promise<PictureHost> {
  const requests = new Map<string, { count: number; times: number[] }>();
  let [busy, busiest] = [0, 0];
  const send = (response: ServerResponse, body: Buffer | string, type = 'image/jpeg') =>
    void response.writeHead(200, { 'content-type': type }).end(body);
  const picture = (path: string) => drawPicture(path);
  const behaviours: Record<string, Behaviour> = {
    ok: async (response, { url }) => send(response, await picture(url as string)),
    png: async (response, { url }) =>
      send(
        response,
        await sharp(await picture(url as string))
          .png()
          .toBuffer(),
        'application/octet-stream',
      ),
    '404': (response) => void response.writeHead(404).end('gone'),
    '410': (response) => void response.writeHead(410).end(),
    '403': (response) => void response.writeHead(403).end(),
    '500': (response) => void response.writeHead(500).end(),
    flaky: async (response, { url }, visit) =>
      visit < 3 ? void response.writeHead(503).end() : send(response, await picture(url as string)),
    busy: async (response, { url }, visit) =>
      visit === 1
        ? void response.writeHead(429, { 'retry-after': '1' }).end('slow down')
        : send(response, await picture(url as string)),
    html: (response) => send(response, '<!doctype html><title>Sign in</title>', 'image/jpeg'),
    cut: async (response, { url }) => send(response, (await picture(url as string)).subarray(0, 600)),
    broken: async (response, { url }) => {
      const body = await picture(url as string);
      response.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 300));
      await sleep(20);
      response.destroy();
    },
    placeholder: async (response) => send(response, await drawPlaceholder(), 'image/png'),
    removed: (response) => void response.writeHead(302, { location: '/removed.png' }).end(),
    moved: (response, { url }) => void response.writeHead(301, { location: `/ok/${url?.split('/')[2]}` }).end(),
    circle: (response, { url }) => void response.writeHead(302, { location: url as string }).end(),
    never: () => {},
    slow: async (response, { url }) => {
      const body = await picture(url as string);
      response.writeHead(200, { 'content-length': body.length });
      for (let at = 0; at < body.length && !response.destroyed; at += 20) {
        response.write(body.subarray(at, at + 20));
        await sleep(300);
      }
    },
    late: async (response, { url }) => {
      await sleep(150);
      send(response, await picture(url as string));
    },
    huge: (response) => send(response, Buffer.alloc(400_000, 7)),
    endless: async (response) => {
      response.writeHead(200);
      while (!response.destroyed) {
        response.write(Buffer.alloc(50_000));
        await sleep(5);
      }
    },
    tiny: async (response) => send(response, await drawPicture('tiny', { width: 12, height: 9 })),
    same: async (response) => send(response, await drawPicture('one for all')),
    empty: (response) => send(response, ''),
  };
  const server = createServer((request, response) => {
    const url = request.url as string;
    const seen = requests.get(url) ?? { count: 0, times: [] };
    requests.set(url, { count: seen.count + 1, times: [...seen.times, Date.now()] });
    busiest = Math.max(busiest, ++busy);
    response.on('close', () => busy--);
    void behaviours[url.split('/')[1] as string]?.(response, request, seen.count + 1);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://localhost:${port}`, requests, busiest: () => busiest, close };
}
