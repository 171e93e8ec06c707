import { type LookupAddress, lookup as resolve } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { CrosscheckError, type ErrorCode, isCrosscheckError, messageOf } from '@crosscheck/contract';
import { type BodyBudget, readBody } from './body.ts';
import { escapeForLog } from './outcome.ts';

/** `serve.fetch.*`. */
export interface FetchSettings {
  hosts: string[];
  max_bytes: number;
  timeout_ms: number;
}

export interface FetchOptions {
  budget: BodyBudget;
  /** Ends the transfer when nobody waits for it any more. */
  signal: AbortSignal;
  /** Certificates and addresses of another world, for tests. */
  world?: World;
}

interface World {
  ca?: string;
  isPrivate?: (address: string) => boolean;
}

const mostRedirects = 3;

/**
 * Fetches an image from a host of the list: https, redirects within the host only, and never from an address inside: what a name resolves to
 * is looked at, and just that is connected to.
 *
 * @returns its bytes, which are on the budget until the caller gives them back
 * @throws CROSSCHECK_FETCH_OFF, CROSSCHECK_FETCH_URL, CROSSCHECK_FETCH_HOST, CROSSCHECK_FETCH_ADDRESS, CROSSCHECK_FETCH_REDIRECT,
 * CROSSCHECK_FETCH_TOO_LARGE, CROSSCHECK_FETCH_TIMEOUT, CROSSCHECK_FETCH_FAILED, CROSSCHECK_SERVER_BUSY
 */
export async function fetchImage(text: string, settings: FetchSettings, options: FetchOptions): Promise<Buffer> {
  let url = readUrl(text, settings.hosts);
  const timeout = AbortSignal.timeout(settings.timeout_ms);
  const ended = { ...options, signal: AbortSignal.any([timeout, options.signal]) };
  try {
    for (let redirects = 0; ; redirects++) {
      const response = await ask(url, ended);
      const next = redirectOf(response, url);
      if (!next) return await readImage(response, settings.max_bytes, options.budget);
      response.destroy();
      if (redirects === mostRedirects) throw failure('REDIRECT', `more than ${mostRedirects} redirects`, url);
      url = next;
    }
  } catch (error) {
    if (timeout.aborted)
      throw failure('TIMEOUT', `no whole image within ${settings.timeout_ms} ms (serve.fetch.timeout_ms)`, url);
    options.signal.throwIfAborted();
    throw isCrosscheckError(error) ? error : failure('FAILED', messageOf(error), url);
  }
}

function readUrl(text: string, hosts: readonly string[]): URL {
  if (hosts.length === 0)
    throw refusal('OFF', 'image_url is off here (serve.fetch.hosts is empty); send the image itself');
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw refusal('URL', `expected an https URL without a login in image_url, got ${escapeForLog(text.slice(0, 200))}`);
  if (hosts.some((host) => isListed(url.host, host.toLowerCase()))) return url;
  throw refusal(
    'HOST',
    `images are not fetched from ${escapeForLog(url.host)}; serve.fetch.hosts lists ${hosts.join(', ')}`,
  );
}

/** A name, a name with its port, or `*.example.org` for all below it. */
function isListed(host: string, listed: string): boolean {
  return listed.startsWith('*.') ? host.endsWith(listed.slice(1)) : host === listed;
}

function ask(url: URL, { signal, world = {} }: FetchOptions): Promise<IncomingMessage> {
  const check = world.isPrivate ?? isPrivate;
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) > 0 && check(literal)) throw inside(url.host, literal);
  const headers = { accept: 'image/*', 'user-agent': 'crosscheck' };
  const options = { headers, signal, lookup: lookupOutside(check), agent: false, ...(world.ca && { ca: world.ca }) };
  return new Promise((resolve, reject) => {
    https.get(url, options, resolve).on('error', reject);
  });
}

/** Resolves a name, and refuses all of it when one of its addresses is inside. */
function lookupOutside(check: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, resolved) => {
      const addresses: LookupAddress[] = error ? [] : resolved;
      const found = addresses.find(({ address }) => check(address));
      if (error || found || !addresses[0]) done(error ?? inside(hostname, found?.address ?? 'nothing'), '');
      else if (options.all) done(null, addresses);
      else done(null, addresses[0].address, addresses[0].family);
    });
  };
}

function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: URL): URL | null {
  if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
    const next = URL.parse(location, from.href);
    if (next?.protocol === 'https:' && next.host === from.host) return next;
    throw failure('REDIRECT', `a redirect to ${escapeForLog(next?.host ?? location)}, which is another host`, from);
  }
  if (statusCode === 200) return null;
  throw failure('FAILED', `status ${statusCode}`, from);
}

async function readImage(response: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Buffer> {
  const tooLarge = () =>
    refusal('TOO_LARGE', `expected an image of at most ${maxBytes} bytes (serve.fetch.max_bytes), got more`);
  try {
    if (Number(response.headers['content-length']) > maxBytes) throw tooLarge();
    return await readBody(response, { maxBytes, budget });
  } catch (error) {
    response.destroy();
    if (isCrosscheckError(error, 'CROSSCHECK_SERVER_BODY_TOO_LARGE')) throw tooLarge();
    if (isCrosscheckError(error, 'CROSSCHECK_SERVER_CLIENT_GONE')) throw new Error('the transfer broke off');
    throw error;
  }
}

type FetchCode = 'OFF' | 'URL' | 'HOST' | 'ADDRESS' | 'REDIRECT' | 'TOO_LARGE' | 'TIMEOUT' | 'FAILED';

const codes = {
  OFF: 'CROSSCHECK_FETCH_OFF',
  URL: 'CROSSCHECK_FETCH_URL',
  HOST: 'CROSSCHECK_FETCH_HOST',
  ADDRESS: 'CROSSCHECK_FETCH_ADDRESS',
  REDIRECT: 'CROSSCHECK_FETCH_REDIRECT',
  TOO_LARGE: 'CROSSCHECK_FETCH_TOO_LARGE',
  TIMEOUT: 'CROSSCHECK_FETCH_TIMEOUT',
  FAILED: 'CROSSCHECK_FETCH_FAILED',
} as const satisfies Record<FetchCode, ErrorCode>;

function refusal(code: FetchCode, message: string): CrosscheckError {
  return new CrosscheckError(codes[code], message);
}

function failure(code: FetchCode, got: string, url: URL): CrosscheckError {
  return refusal(code, `expected an image from ${url.host}, got ${escapeForLog(got)}; send the image itself`);
}

function inside(host: string, address: string): CrosscheckError {
  return refusal(
    'ADDRESS',
    `${escapeForLog(host)} is ${address}, which is no public address; images are only fetched from outside`,
  );
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, …-ipv6-special-registry: whatever is not the public internet.
const special = {
  ipv4: '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  ipv6: '::/127 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8',
} as const;

const notPublic = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const)
  for (const network of special[family].split(' ')) {
    const [address = '', bits] = network.split('/');
    notPublic.addSubnet(address, Number(bits), family);
  }

/** Also an IPv4 address in IPv6 clothes; what is no address is not let through. */
export function isPrivate(address: string): boolean {
  return isIP(address) === 0 || notPublic.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
