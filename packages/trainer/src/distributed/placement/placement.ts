import { CrosscheckError } from '@crosscheck/contract';

/** Where a process stands among those that train together. */
export interface Placement {
  /** The variable or key that says so, for people. */
  source: string;
  /** 0 writes. */
  rank: number;
  world: number;
  /** `host:port` of each worker by rank; null where only the first one's is known, and the others are met there. */
  addresses: readonly string[] | null;
  /** Where the first worker is met. */
  master: { host: string; port: number };
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What was set by a launcher; null where it set nothing. */
export type Launcher = (env: Environment) => Placement | null;

/** A worker among others whose addresses are known. */
export function placed(source: string, { addresses, rank }: { addresses: readonly string[]; rank: number }): Placement {
  if (rank >= addresses.length) {
    throw unusable(
      `${source} lists ${addresses.length} workers, so this one is 0 to ${addresses.length - 1}, got ${rank}`,
    );
  }
  const twice = addresses.find((address, i) => addresses.indexOf(address) !== i);
  if (twice !== undefined) throw unusable(`${source} lists ${twice} twice; each worker needs an address of its own`);
  const [master] = addresses.map((address) => splitAddress(source, address)) as [Placement['master']];
  return { source, rank, world: addresses.length, addresses, master };
}

/** @throws CROSSCHECK_CONFIG_WORKERS */
export function splitAddress(source: string, address: string): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw unusable(`${source}: a worker's address is host:port, got "${address}"`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** @throws CROSSCHECK_CONFIG_WORKERS */
export function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw unusable(`${name} must be a whole number from 0, got "${text}"`);
}

export const unusable = (message: string): CrosscheckError => new CrosscheckError('CROSSCHECK_CONFIG_WORKERS', message);

/** Set by a run that starts its own workers, which have its config. */
export const startedVariable = 'CROSSCHECK_STARTED_WORKER';
