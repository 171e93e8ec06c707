import { readFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { readPosts } from './posts.ts';

/** A form with one post, ready to be sent. */
export interface Body {
  bytes: Buffer;
  headers: Record<string, string | number>;
}

const boundary = '----crosscheck-benchmark';

export function readBodies(folder: string): Body[] {
  return readPosts(folder).map(({ text, image }, i) => {
    const bytes = Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="text"\r\n\r\n${text}\r\n`),
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${i}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
      ),
      readFileSync(image),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': bytes.length };
    return { bytes, headers };
  });
}

/** @returns the status of the answer; 0 when there is none */
export function post(url: string, agent: Agent, { bytes, headers }: Body): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', () => resolve(0));
    });
    sent.on('error', () => resolve(0));
    sent.end(bytes);
  });
}
