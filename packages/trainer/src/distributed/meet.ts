// Workers that know only where the first one is meet there, and learn each other's addresses.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrosscheckError, interrupted, messageOf, onStop, throwIfStopped } from '@crosscheck/contract';
import { lostError } from './lost.ts';
import type { Placement } from './placement/placement.ts';

/** Workers listen on the ports after the one at which they meet, by rank. */
const portOf = ({ master }: Placement, rank: number) => master.port + 1 + rank;

const joined = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** An IPv4 address as such, also where it came over IPv6. */
const hostOf = ({ remoteAddress = '' }: Socket) => remoteAddress.replace(/^::ffff:/, '');

/**
 * `host:port` of every worker by rank. The first one collects them at its address and tells the others; order of start does not matter.
 *
 * @throws CROSSCHECK_WORKERS_LOST, CROSSCHECK_WORKERS_ADDRESS
 */
export function meetWorkers(placement: Placement, limitMs: number): Promise<string[]> {
  return placement.rank === 0 ? collect(placement, limitMs) : report(placement, limitMs);
}

interface Hello {
  rank: number;
  world: number;
}

async function collect(placement: Placement, limitMs: number): Promise<string[]> {
  const { world, master } = placement;
  const here = new Map<number, Socket>();
  const all = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    readLine<Hello>(socket)
      .then((hello) => {
        if (!isExpected(placement, hello)) return void socket.destroy();
        here.set(hello.rank, socket);
        if (here.size === world - 1) all.resolve();
      })
      .catch(() => socket.destroy());
  });
  await listen(server, placement);
  const limit = setTimeout(() => all.reject(missing(placement, [...here.keys()], limitMs)), limitMs);
  const forget = onStop((signal) => all.reject(interrupted(signal)));
  try {
    await all.promise;
  } finally {
    clearTimeout(limit);
    forget();
    server.close();
  }
  const others = [...here].sort(([a], [b]) => a - b);
  const addresses = [
    joined(master.host, portOf(placement, 0)),
    ...others.map(([rank, socket]) => joined(hostOf(socket), portOf(placement, rank))),
  ];
  for (const [, socket] of others) socket.end(`${JSON.stringify(addresses)}\n`);
  return addresses;
}

function missing({ world, master }: Placement, here: readonly number[], limitMs: number): CrosscheckError {
  const ranks = Array.from({ length: world - 1 }, (_, i) => i + 1).filter((rank) => !here.includes(rank));
  return lostError(
    `worker ${ranks.join(' and ')} did not come to ${master.host}:${master.port} within ${limitMs / 1000} s`,
  );
}

const isExpected = ({ world }: Placement, hello: Hello) =>
  hello.world === world && Number.isInteger(hello.rank) && hello.rank > 0 && hello.rank < world;

async function listen(server: Server, { source, master }: Placement): Promise<void> {
  try {
    await once(server.listen(master.port), 'listening');
  } catch (error) {
    throw new CrosscheckError(
      'CROSSCHECK_WORKERS_ADDRESS',
      `worker 0 cannot listen on port ${master.port}, where ${source} lets the others meet it: ${messageOf(error)}; end what uses the port, or choose another one`,
    );
  }
}

/** Asks again until the first worker is there and has met all. */
async function report({ rank, world, master }: Placement, limitMs: number): Promise<string[]> {
  const deadline = Date.now() + limitMs;
  let last = 'no answer';
  while (Date.now() < deadline) {
    throwIfStopped();
    const socket = connect(master.port, master.host);
    try {
      socket.setTimeout(deadline - Date.now(), () => socket.destroy(new Error('no answer')));
      await once(socket, 'connect');
      socket.write(`${JSON.stringify({ rank, world } satisfies Hello)}\n`);
      return await readLine<string[]>(socket);
    } catch (error) {
      last = messageOf(error);
      await sleep(250);
    } finally {
      socket.destroy();
    }
  }
  throw lostError(`worker 0 was not met at ${master.host}:${master.port} within ${limitMs / 1000} s (${last})`);
}

/** One line of JSON; rejects when the connection ends first. */
async function readLine<T>(socket: Socket): Promise<T> {
  for await (const line of createInterface({ input: socket })) return JSON.parse(line) as T;
  throw new Error('the connection ended');
}
