import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, MlflowClient, type MlflowError } from 'mlflow-js-client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { endings, startClosingServer } from '../../http-client/test/support/closing-server.ts';
import { resolveConnection } from '../src/connection.ts';
import { computeWaitMs, parseRetryAfter } from '../src/rest/retry.ts';
import { createTransport } from '../src/rest/transport.ts';
import { answer, startOddServer } from './support/odd-server.ts';
import { createTestFolder } from './support/temporary-folder.ts';

const FAST: ConnectionOptions = { maxRetries: 3, backoffFactor: 0, backoffJitter: 0, timeoutMs: 2000 };
const fixtures = join(import.meta.dirname, 'fixtures');
const run = { run: { info: { run_id: 'r1', experiment_id: '1', status: 'RUNNING' } } };

async function failureOf(promise: Promise<unknown>): Promise<MlflowError> {
  return promise.then(
    () => expect.fail('expected an error'),
    (error: unknown) => error as MlflowError,
  );
}

describe('retries', () => {
  test.each([408, 429, 500, 502, 503, 504])('repeats a request that was answered with %i', async (status) => {
    const server = await startOddServer((response, count) =>
      count < 2 ? answer(response, status, 'come back') : answer(response, 200, run),
    );
    const client = new MlflowClient(server.url, FAST);
    expect((await client.runs.get('r1')).info.runId).toBe('r1');
    expect(server.requests).toHaveLength(3);
  });

  test.each([400, 401, 403, 404, 501])('does not repeat a request that was answered with %i', async (status) => {
    const server = await startOddServer((response) =>
      answer(response, status, { error_code: 'SOME_CODE', message: 'no' }),
    );
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(error).toMatchObject({ name: 'MlflowError', errorCode: 'SOME_CODE', status });
    expect(server.requests).toHaveLength(1);
  });

  test('gives up after the configured number and says how often it tried', async () => {
    const server = await startOddServer((response) =>
      answer(response, 503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'busy' }),
    );
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(server.requests).toHaveLength(4);
    expect(error.errorCode).toBe('TEMPORARILY_UNAVAILABLE');
    expect(error.message).toMatch(/answered 503 TEMPORARILY_UNAVAILABLE: busy \(tried 4 times\)$/);
  });

  test('waits as long as Retry-After asks', async () => {
    const server = await startOddServer((response, count) =>
      count === 0 ? answer(response, 429, '', { 'retry-after': '1' }) : answer(response, 200, run),
    );
    const start = performance.now();
    await new MlflowClient(server.url, FAST).runs.get('r1');
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(server.requests).toHaveLength(2);
  });

  test('reads Retry-After as seconds and as a date', () => {
    expect(parseRetryAfter('7')).toBe(7000);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    onTestFinished(() => void vi.useRealTimers());
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT')).toBe(60_000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:00 GMT')).toBe(0);
    expect(parseRetryAfter('soon')).toBeNull();
    expect(parseRetryAfter(undefined)).toBeNull();
  });

  test('doubles its waits from the factor, at once first and never beyond two minutes', () => {
    const policy = { maxRetries: 7, backoffFactor: 2, backoffJitter: 0 };
    const waits = Array.from({ length: 8 }, (_, retry) => computeWaitMs(policy, retry, new Error('x')));
    expect(waits).toEqual([0, 4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000]);
    const jittered = computeWaitMs({ ...policy, backoffJitter: 1 }, 1, new Error('x'));
    expect(jittered).toBeGreaterThanOrEqual(4000);
    expect(jittered).toBeLessThanOrEqual(5000);
  });

  test('repeats when the connection breaks in the middle of an answer', async () => {
    const server = await startOddServer((response, count) => {
      if (count > 0) return answer(response, 200, run);
      response.writeHead(200, { 'content-length': '1000' }).write('{"run":');
      setTimeout(() => response.destroy(), 20);
    });
    expect((await new MlflowClient(server.url, FAST).runs.get('r1')).info.runId).toBe('r1');
  });

  test('reports a server that is not there, and where it looked', async () => {
    const server = await startOddServer(() => {});
    await server.close();
    const error = await failureOf(new MlflowClient(server.url, { ...FAST, maxRetries: 1 }).runs.get('r1'));
    expect(error).toMatchObject({ errorCode: 'CONNECTION_FAILED', status: null });
    expect(error.message).toContain(`GET ${server.url}/api/2.0/mlflow/runs/get: connect ECONNREFUSED`);
    expect(error.message).toContain('is the MLflow server running');
  });
});

describe('time', () => {
  test('gives up on a server that says nothing', async () => {
    const server = await startOddServer(() => {});
    const error = await failureOf(
      new MlflowClient(server.url, { ...FAST, maxRetries: 1, timeoutMs: 150 }).runs.get('r1'),
    );
    expect(error).toMatchObject({ errorCode: 'REQUEST_TIMEOUT', status: null });
    expect(error.message).toContain('no answer within 150 ms (tried 2 times)');
  });

  test('waits for a slow answer longer than it keeps idle connections', async () => {
    const server = await startOddServer((response) => void setTimeout(() => answer(response, 200, run), 4500));
    const client = new MlflowClient(server.url, { ...FAST, maxRetries: 0, timeoutMs: 10_000 });
    expect((await client.runs.get('r1')).info.runId).toBe('r1');
  });

  test('stops at once when its caller gives up', async () => {
    const givingUp = new AbortController();
    const server = await startOddServer(() => givingUp.abort(new DOMException('too long', 'TimeoutError')));
    const client = new MlflowClient(server.url, FAST);
    const error = await failureOf(client.runs.logBatch('r1', { tags: { a: 'b' } }, { signal: givingUp.signal }));
    expect(error.name).toBe('TimeoutError');
    expect(server.requests).toHaveLength(1);
  });

  test('stops at once when it is closed, also between two attempts', async () => {
    const server = await startOddServer((response) => answer(response, 503));
    const client = new MlflowClient(server.url, { ...FAST, backoffFactor: 60 });
    const failure = failureOf(client.runs.get('r1'));
    // The second try comes at once, the third after two minutes.
    await vi.waitFor(() => expect(server.requests).toHaveLength(2), { timeout: 30_000 });
    client.close();
    expect((await failure).errorCode).toBe('CONNECTION_CLOSED');
  });
});

describe('errors', () => {
  test('keep the words of an answer that is no JSON', async () => {
    const page = '<html><head><title>403</title></head><body><h1>Forbidden</h1> by gateway</body></html>';
    const server = await startOddServer((response) => answer(response, 403, page));
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(error).toMatchObject({ errorCode: 'PERMISSION_DENIED', status: 403 });
    expect(error.message).toContain('403 Forbidden by gateway');
  });

  test('say what to do about a refused host and a missing login', async () => {
    const server = await startOddServer((response, count) =>
      count === 0
        ? answer(response, 403, 'Invalid Host header - possible DNS rebinding attack detected')
        : answer(response, 401, 'You are not authenticated.'),
    );
    const client = new MlflowClient(server.url, FAST);
    expect((await failureOf(client.runs.get('r1'))).message).toContain('--allowed-hosts');
    expect((await failureOf(client.runs.get('r1'))).message).toContain('MLFLOW_TRACKING_USERNAME');
  });

  test('name the address that a redirect points to', async () => {
    const server = await startOddServer((response) =>
      answer(response, 302, '', { location: 'https://mlflow.example/login' }),
    );
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(error.errorCode).toBe('REDIRECTED');
    expect(error.message).toContain('https://mlflow.example/login');
  });

  test('tell a web page from MLflow', async () => {
    const server = await startOddServer((response) => answer(response, 200, '<!doctype html><p>Welcome'));
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(error.errorCode).toBe('BAD_RESPONSE');
    expect(error.message).toContain('is the tracking URI that of an MLflow server?');
  });

  test('never show a password', async () => {
    const server = await startOddServer((response) => answer(response, 500, 'oops'));
    const withUser = server.url.replace('://', '://ada:s3cret@');
    const error = await failureOf(new MlflowClient(withUser, { ...FAST, maxRetries: 0 }).runs.get('r1'));
    expect(`${error.message} ${error.request}`).not.toContain('s3cret');
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${btoa('ada:s3cret')}`);
  });

  test('refuse a tracking URI that is no server', () => {
    expect(() => new MlflowClient('databricks')).toThrow(
      'a tracking server is http://… or https://…, got "databricks"',
    );
  });

  test('an empty answer is an empty object', async () => {
    const server = await startOddServer((response) => answer(response, 200, ''));
    await expect(new MlflowClient(server.url, FAST).runs.setTag('r1', 'a', 'b')).resolves.toBeUndefined();
  });
});

describe('requests', () => {
  test('carry the user agent, extra headers and the path prefix of the tracking URI', async () => {
    const server = await startOddServer((response) => answer(response, 200, run));
    const client = new MlflowClient(`${server.url}/team/mlflow/`, { ...FAST, headers: { 'x-team': 'desk' } });
    await client.runs.get('r 1');
    const [seen] = server.requests;
    expect(seen?.url).toBe('/team/mlflow/api/2.0/mlflow/runs/get?run_id=r+1');
    expect(seen?.headers['user-agent']).toMatch(/^mlflow-js-client\/\d/);
    expect(seen?.headers['x-team']).toBe('desk');
  });

  test('send NaN and infinities as text, which JSON has no numbers for', async () => {
    const server = await startOddServer((response) => answer(response, 200));
    const metrics = [Number.NaN, Infinity, -Infinity, 0.5].map((value, step) => ({ key: 'loss', value, step }));
    await new MlflowClient(server.url, FAST).runs.logBatch('r1', { metrics });
    const sent = JSON.parse(server.requests[0]?.body ?? '') as { metrics: { value: unknown }[] };
    expect(sent.metrics.map((metric) => metric.value)).toEqual(['NaN', 'Infinity', '-Infinity', 0.5]);
  });

  test('open a file again for every attempt of an upload, and say its length', async () => {
    const folder = createTestFolder();
    writeFileSync(join(folder, 'big.bin'), 'x'.repeat(300_000));
    const server = await startOddServer((response, count) =>
      count === 0 ? answer(response, 502) : answer(response, 200),
    );
    const artifacts = new MlflowClient(server.url, FAST).openArtifacts('mlflow-artifacts:/1/r1/artifacts');
    await artifacts.upload(join(folder, 'big.bin'), 'models/a b#1.bin');
    expect(server.requests.map((request) => request.body.length)).toEqual([300_000, 300_000]);
    expect(server.requests[1]?.headers['content-length']).toBe('300000');
    expect(server.requests[1]?.url).toBe('/api/2.0/mlflow-artifacts/artifacts/1/r1/artifacts/models/a%20b%231.bin');
  });

  test('reach artifacts that only the server can, up to its limit of 10 MiB', async () => {
    const server = await startOddServer((response) => answer(response, 200));
    const artifacts = new MlflowClient(server.url, FAST).openArtifacts('s3://bucket/1/r1/artifacts', 'r1');
    await artifacts.upload({ text: 'hello' }, 'notes.txt');
    expect(server.requests[0]).toMatchObject({ method: 'POST', body: 'hello' });
    expect(server.requests[0]?.url).toBe('/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r1&path=notes.txt');
    const error = await failureOf(artifacts.upload(new Uint8Array(11 * 1024 * 1024), 'big.bin'));
    expect(error.errorCode).toBe('UNSUPPORTED_URI');
    expect(error.message).toContain('--serve-artifacts --artifacts-destination s3://');
  });

  test('never leave the artifact root', async () => {
    const artifacts = new MlflowClient('http://127.0.0.1:1', FAST).openArtifacts('mlflow-artifacts:/1/r1/artifacts');
    for (const path of ['../x', '/etc/passwd', 'a/../../b', ''])
      expect((await failureOf(artifacts.upload({ text: '' }, path))).errorCode).toBe('INVALID_PARAMETER_VALUE');
  });
});

describe('authentication', () => {
  const authorizationOf = (options: ConnectionOptions, env: Record<string, string>, uri = 'http://h') =>
    resolveConnection(uri, options, { HOME: '/nonexistent', ...env }).headers['authorization'];
  const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  test('comes from the options, the URL, the environment, then the credentials file', () => {
    const folder = createTestFolder();
    mkdirSync(join(folder, '.mlflow'));
    const file =
      '# mine\n[other]\nmlflow_tracking_username = no\n[mlflow]\nmlflow_tracking_username = file\nmlflow_tracking_password = p=w\n';
    writeFileSync(join(folder, '.mlflow/credentials'), file);
    const environment = { HOME: folder, MLFLOW_TRACKING_USERNAME: 'env', MLFLOW_TRACKING_PASSWORD: 'pw' };
    expect(authorizationOf({ username: 'ada', password: 'x' }, environment, 'http://u:v@h')).toBe(basic('ada', 'x'));
    expect(authorizationOf({}, environment, 'http://u:v%20w@h')).toBe(basic('u', 'v w'));
    expect(authorizationOf({}, environment)).toBe(basic('env', 'pw'));
    expect(authorizationOf({}, { HOME: folder })).toBe(basic('file', 'p=w'));
    expect(authorizationOf({}, {})).toBeUndefined();
  });

  test('prefers a user name with a password to a token, as Python does', () => {
    const token = { MLFLOW_TRACKING_TOKEN: 't' };
    expect(authorizationOf({}, token)).toBe('Bearer t');
    expect(authorizationOf({}, { ...token, MLFLOW_TRACKING_USERNAME: 'a', MLFLOW_TRACKING_PASSWORD: 'b' })).toBe(
      basic('a', 'b'),
    );
    expect(authorizationOf({ token: 'mine' }, { MLFLOW_TRACKING_USERNAME: 'a', MLFLOW_TRACKING_PASSWORD: 'b' })).toBe(
      'Bearer mine',
    );
  });

  test('keeps letters beyond ASCII', () => {
    expect(authorizationOf({ username: 'élan', password: 'ß' }, {})).toBe(basic('élan', 'ß'));
  });
});

describe('environment', () => {
  test("MLflow's knobs set time limits and retries", () => {
    const env = {
      HOME: '/nonexistent',
      MLFLOW_HTTP_REQUEST_TIMEOUT: '5',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '3',
      MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0.5',
      MLFLOW_TRACKING_INSECURE_TLS: 'true',
    };
    const connection = resolveConnection('https://h', {}, env);
    expect(connection).toMatchObject({ timeoutMs: 5000, maxRetries: 0, backoffFactor: 3, backoffJitter: 0.5 });
    expect(connection.tls.rejectUnauthorized).toBe(false);
    expect(() => resolveConnection('http://h', {}, { ...env, MLFLOW_HTTP_REQUEST_TIMEOUT: 'long' })).toThrow(
      'MLFLOW_HTTP_REQUEST_TIMEOUT must be a number of at least 0, got "long"',
    );
  });
});

describe('TLS', () => {
  const serverPem = join(fixtures, 'server.pem');
  const clientPem = join(fixtures, 'client.pem');
  const tls = { cert: readFileSync(serverPem), key: readFileSync(serverPem) };

  test('refuses an unknown certificate, without repeating, and says how to trust it', async () => {
    const server = await startOddServer((response) => answer(response, 200, run), { tls });
    const error = await failureOf(new MlflowClient(server.url, FAST).runs.get('r1'));
    expect(error.errorCode).toBe('TLS_FAILED');
    expect(error.message).toContain('MLFLOW_TRACKING_SERVER_CERT_PATH');
    expect(server.requests).toHaveLength(0);
  });

  test('trusts a given certificate, or any when told so', async () => {
    const server = await startOddServer((response) => answer(response, 200, run), { tls });
    for (const options of [{ serverCertPath: serverPem }, { insecure: true }])
      expect((await new MlflowClient(server.url, { ...FAST, tls: options }).runs.get('r1')).info.runId).toBe('r1');
  });

  test('shows its own certificate to a server that asks for one', async () => {
    const strict = { ...tls, requestCert: true, rejectUnauthorized: true, ca: readFileSync(clientPem) };
    const server = await startOddServer((response) => answer(response, 200, run), { tls: strict });
    const trusted = { ...FAST, maxRetries: 0, tls: { serverCertPath: serverPem } };
    await failureOf(new MlflowClient(server.url, trusted).runs.get('r1'));
    const known = { ...trusted, tls: { serverCertPath: serverPem, clientCertPath: clientPem } };
    expect((await new MlflowClient(server.url, known).runs.get('r1')).info.runId).toBe('r1');
  });
});

test('a slow reader of an artifact gets all of it or an error, in whatever way the server closes', async () => {
  const server = await startClosingServer();
  const transport = createTransport(resolveConnection(server.url, FAST));
  onTestFinished(() => {
    transport.close();
    server.stop();
  });
  for (const [index, { isWhole }] of Object.values(endings).entries()) {
    for (const bytes of [70_000, 400_000]) {
      const body = await transport.open({ method: 'GET', path: `/${index}/${bytes}` });
      let size = 0;
      const read = async () => {
        for await (const chunk of body) {
          size += (chunk as Buffer).length;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return size;
      };
      const outcome = await read().catch((error: NodeJS.ErrnoException) => error.code);
      expect({ index, outcome }).toEqual({ index, outcome: isWhole ? bytes : 'ECONNRESET' });
    }
  }
});
