import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** What is known of a request before it is routed. */
interface RawRequest {
  url?: string | undefined;
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/** What stands before every path where a gateway serves several things under one host. */
export interface Prefix {
  /** As the client sees it: `/crosscheck`, or nothing. */
  of(request: RawRequest): string;
  /** The URL without it; gateways may have taken it away already, and need not. */
  strip(request: RawRequest): string;
}

const valid = /^(?:\/[\w.~-]+){1,20}$/;

/** @param basePath of the config, which holds for all; else what a trusted proxy says in X-Forwarded-Prefix */
export function openPrefix(basePath: string, trustedProxies: readonly string[]): Prefix {
  const isTrusted = trustAddresses(trustedProxies);
  const of = ({ headers, socket }: RawRequest): string => {
    if (basePath !== '') return basePath;
    const said = headers['x-forwarded-prefix'];
    return typeof said === 'string' && valid.test(said) && isTrusted(socket.remoteAddress) ? said : '';
  };
  return {
    of,
    strip(request) {
      const { url = '/' } = request;
      const prefix = of(request);
      const isBelow = prefix !== '' && url.startsWith(prefix) && ['/', '?', undefined].includes(url[prefix.length]);
      const rest = isBelow ? url.slice(prefix.length) : url;
      return rest.startsWith('/') ? rest : `/${rest}`;
    },
  };
}

/** Addresses, or networks such as 10.0.0.0/8; an IPv4 address in IPv6 clothes is the same. */
function trustAddresses(proxies: readonly string[]): (address: string | undefined) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) add(trusted, proxy);
  return (address = '') => isIP(address) > 0 && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function add(trusted: BlockList, proxy: string): void {
  const [address = '', bits] = proxy.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (bits === undefined) trusted.addAddress(address, family);
  else trusted.addSubnet(address, Number(bits), family);
}
