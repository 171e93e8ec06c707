import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pythonWith } from './python.ts';

export interface S3Server {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  stop(): void;
}

/** Starts a real S3-compatible server with a bucket `posts`; `signed` = it refuses requests that are not signed as S3 wants it. */
export async function startS3Server(mode: 'signed' | 'public'): Promise<S3Server> {
  const python = await pythonWith('s3', 'moto[s3]==5.2.5', 'flask==3.1.2', 'flask-cors==6.0.1');
  const script = path.join(import.meta.dirname, 's3_server.py');
  const child = spawn(python, [script, mode], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the S3 server ended: ${complaints}`)));
  ended.catch(() => {});
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
  return { ...(JSON.parse(line) as Omit<S3Server, 'stop'>), stop: () => child.stdin.end() };
}
