import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MlflowError } from './errors.ts';
import { homeFolder } from './user.ts';

/** How to reach a server. Everything is optional: what is absent comes from MLflow's own environment variables. */
export interface ConnectionOptions {
  /** Basic authentication; default `MLFLOW_TRACKING_USERNAME`, then `~/.mlflow/credentials`. */
  username?: string | undefined;
  /** Default `MLFLOW_TRACKING_PASSWORD`, then `~/.mlflow/credentials`. */
  password?: string | undefined;
  /** Bearer token; default `MLFLOW_TRACKING_TOKEN`. A user name with a password wins, as in Python. */
  token?: string | undefined;
  /** Sent with every request, e.g. for a gateway in front of MLflow. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Longest silence on the connection; default `MLFLOW_HTTP_REQUEST_TIMEOUT` seconds, or 120,000. */
  timeoutMs?: number | undefined;
  /** Default `MLFLOW_HTTP_REQUEST_MAX_RETRIES`, or 7. */
  maxRetries?: number | undefined;
  /** Seconds that the waits double from; default `MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR`, or 2. */
  backoffFactor?: number | undefined;
  /** Up to so many random seconds are added to each wait; default `MLFLOW_HTTP_REQUEST_BACKOFF_JITTER`, or 1. */
  backoffJitter?: number | undefined;
  tls?: TlsOptions | undefined;
}

export interface TlsOptions {
  /** Accept any certificate; default `MLFLOW_TRACKING_INSECURE_TLS`. */
  insecure?: boolean | undefined;
  /** PEM file to trust in place of the system's authorities; default `MLFLOW_TRACKING_SERVER_CERT_PATH`. */
  serverCertPath?: string | undefined;
  /** PEM file with this client's certificate and key; default `MLFLOW_TRACKING_CLIENT_CERT_PATH`. */
  clientCertPath?: string | undefined;
}

/** A connection with every default filled in. */
export interface Connection {
  /** Scheme, host and path prefix, without credentials and without a slash at the end. */
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  maxRetries: number;
  backoffFactor: number;
  backoffJitter: number;
  tls: { rejectUnauthorized: boolean; ca?: Buffer; cert?: Buffer; key?: Buffer };
}

type Environment = Readonly<Record<string, string | undefined>>;

const VERSION = '0.1.0';

export function resolveConnection(
  trackingUri: string,
  options: ConnectionOptions = {},
  env: Environment = process.env,
): Connection {
  const url = parseServerUrl(trackingUri);
  const authorization = resolveAuthorization(url, options, env);
  return {
    baseUrl: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    headers: {
      'user-agent': `mlflow-js-client/${VERSION}`,
      ...(authorization === null ? {} : { authorization }),
      ...(env['MLFLOW_WORKSPACE'] ? { 'x-mlflow-workspace': env['MLFLOW_WORKSPACE'] } : {}),
      ...options.headers,
    },
    timeoutMs: options.timeoutMs ?? numberFrom(env, 'MLFLOW_HTTP_REQUEST_TIMEOUT', 120) * 1000,
    maxRetries: options.maxRetries ?? numberFrom(env, 'MLFLOW_HTTP_REQUEST_MAX_RETRIES', 7),
    backoffFactor: options.backoffFactor ?? numberFrom(env, 'MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR', 2),
    backoffJitter: options.backoffJitter ?? numberFrom(env, 'MLFLOW_HTTP_REQUEST_BACKOFF_JITTER', 1),
    tls: resolveTls(options.tls ?? {}, env),
  };
}

/** Messages never show who logs in. */
export const withoutUser = (uri: string) => uri.replace(/:\/\/[^\s/]*@/, '://***@');

function parseServerUrl(trackingUri: string): URL {
  const url = URL.canParse(trackingUri) ? new URL(trackingUri) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new MlflowError(
    'UNSUPPORTED_URI',
    `a tracking server is http://… or https://…, got "${withoutUser(trackingUri)}"`,
  );
}

/** Explicit options, then the URL's own user, then the environment, then the credentials file; Basic before Bearer. */
function resolveAuthorization(url: URL, options: ConnectionOptions, env: Environment): string | null {
  const explicit = pickBasic(options.username, options.password) ?? pickBearer(options.token);
  if (explicit !== null) return explicit;
  const inUrl = pickBasic(decodeURIComponent(url.username), decodeURIComponent(url.password));
  if (inUrl !== null) return inUrl;
  const file = readCredentials(env);
  const username = env['MLFLOW_TRACKING_USERNAME'] ?? file['mlflow_tracking_username'];
  const password = env['MLFLOW_TRACKING_PASSWORD'] ?? file['mlflow_tracking_password'];
  return pickBasic(username, password) ?? pickBearer(env['MLFLOW_TRACKING_TOKEN']);
}

function pickBasic(username: string | undefined, password: string | undefined): string | null {
  if (!username || !password) return null;
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function pickBearer(token: string | undefined): string | null {
  return token ? `Bearer ${token}` : null;
}

/** Reads the `[mlflow]` section of `~/.mlflow/credentials`; an absent file is an empty one. */
function readCredentials(env: Environment): Record<string, string> {
  const home = homeFolder(env);
  const path = join(home ?? '', '.mlflow', 'credentials');
  if (home === null || !existsSync(path)) return {};
  const entries: Record<string, string> = {};
  let section = '';
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const header = /^\s*\[(.+)\]\s*$/.exec(line);
    if (header !== null) section = header[1] ?? '';
    const entry = /^\s*([^#;=:\s]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (header === null && entry !== null && section === 'mlflow')
      entries[(entry[1] ?? '').toLowerCase()] = entry[2] ?? '';
  }
  return entries;
}

function resolveTls(options: TlsOptions, env: Environment): Connection['tls'] {
  const serverCertPath = options.serverCertPath ?? env['MLFLOW_TRACKING_SERVER_CERT_PATH'];
  const clientCertPath = options.clientCertPath ?? env['MLFLOW_TRACKING_CLIENT_CERT_PATH'];
  const insecure = options.insecure ?? /^(true|1)$/i.test(env['MLFLOW_TRACKING_INSECURE_TLS'] ?? '');
  const clientPem = clientCertPath ? readPem(clientCertPath, 'client certificate') : null;
  return {
    rejectUnauthorized: !insecure,
    ...(serverCertPath ? { ca: readPem(serverCertPath, 'server certificate') } : {}),
    ...(clientPem === null ? {} : { cert: clientPem, key: clientPem }),
  };
}

function readPem(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MlflowError('INVALID_PARAMETER_VALUE', `cannot read the ${what} ${path}; give the path of a PEM file`, {
      cause,
    });
  }
}

function numberFrom(env: Environment, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new MlflowError('INVALID_PARAMETER_VALUE', `${name} must be a number of at least 0, got "${text}"`);
}
