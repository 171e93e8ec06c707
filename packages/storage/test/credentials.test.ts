import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { parseIni } from '../src/index.ts';
import { findCredentials } from '../src/s3/credentials.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const file = `${folder.dir}/credentials`;
writeFileSync(
  file,
  '[default]\naws_access_key_id = D\naws_secret_access_key = d\n\n[work]\naws_access_key_id=W\naws_secret_access_key=w=/+\naws_session_token=t\n',
);
const shared = { AWS_SHARED_CREDENTIALS_FILE: file };

test('the environment comes before the shared file, and a named profile before both', async () => {
  const env = { ...shared, AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'e' };
  expect(await findCredentials(null, env)).toEqual({ accessKeyId: 'E', secretAccessKey: 'e' });
  expect(await findCredentials(null, shared)).toEqual({ accessKeyId: 'D', secretAccessKey: 'd' });
  const work = { accessKeyId: 'W', secretAccessKey: 'w=/+', sessionToken: 't' };
  expect(await findCredentials(null, { ...shared, AWS_PROFILE: 'work' })).toEqual(work);
  expect(await findCredentials('work', env)).toEqual(work);
  expect(await findCredentials(null, { HOME: folder.dir })).toBe(null);
});

test('a container asks the address that it was given, with its token', async () => {
  const server = createServer(({ headers }, response) => {
    if (headers.authorization !== 'pod-token') return void response.writeHead(401).end();
    response.end(JSON.stringify({ AccessKeyId: 'P', SecretAccessKey: 'p', Token: 'session' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  writeFileSync(`${folder.dir}/token`, 'pod-token\n');
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${folder.dir}/token` };
  expect(await findCredentials(null, env)).toEqual({ accessKeyId: 'P', secretAccessKey: 'p', sessionToken: 'session' });
  server.close();
});

test('INI files are read as Git, DVC and AWS write them', () => {
  const text = '# c\n[core]\n    remote = near\n; c\n[\'remote "near"\']\n    url = s3://b/p?x=1\n    Name = "a b"\r\n';
  expect([...parseIni(text)].map(([name, values]) => [name, Object.fromEntries(values)])).toEqual([
    ['core', { remote: 'near' }],
    ['remote "near"', { url: 's3://b/p?x=1', name: 'a b' }],
  ]);
});
