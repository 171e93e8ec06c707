import http from 'node:http';
import https from 'node:https';

/** Many servers drop idle connections after 5 s; leaving first avoids the race. */
const idleSocketMs = 4_000;

interface Agents {
  'http:': http.Agent;
  'https:': https.Agent;
}

function createAgents(proxyEnv: NodeJS.ProcessEnv | undefined): Agents {
  const options = { keepAlive: true, timeout: idleSocketMs, ...(proxyEnv && { proxyEnv }) };
  return { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
}

const agents: { direct?: Agents; proxied?: Agents } = {};

/** This machine, and the addresses at which a cloud hands credentials to a container: no proxy reaches either. */
const isLocal = (host: string) =>
  /^(localhost|127(\.\d+){3}|169\.254(\.\d+){2}|\[(::1|fe80:.*|fd00:ec2::\w+)\])$/i.test(host);

/** Connections are kept for the next request to the same host; idle ones do not keep the process alive. */
export function agentFor({ protocol, hostname }: URL): http.Agent {
  const isDirect = isLocal(hostname);
  const pair = isDirect ? (agents.direct ??= createAgents(undefined)) : (agents.proxied ??= createAgents(process.env));
  return pair[protocol as keyof Agents];
}
