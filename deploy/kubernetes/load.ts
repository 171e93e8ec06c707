import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const meanPauseMs = 25;

interface Post {
  text: string;
  image: Uint8Array;
}

/**
 * Clients that send one request after the other and count how they end. A client that keeps its connection goes on asking the same pod until that
 * connection is closed, whatever the routes say by then: that is what a Service of Kubernetes does with connections that it has once placed.
 */
export class Load {
  readonly outcomes = new Map<string, number>();
  #endpoints: string[];
  #isOver = false;
  #turn = 0;
  readonly #form: { body: Buffer; type: string };
  readonly #keepAlive: boolean;
  readonly #clients: Promise<void>[];

  constructor(endpoints: string[], post: Post, { clients, keepAlive }: { clients: number; keepAlive: boolean }) {
    this.#endpoints = endpoints;
    this.#form = encodeForm(post);
    this.#keepAlive = keepAlive;
    this.#clients = Array.from({ length: clients }, () => this.#work());
  }

  /** What a cluster does to its routes when a pod comes or goes. */
  route(endpoints: string[]): void {
    this.#endpoints = endpoints;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) await this.#useConnection(this.#endpoints[this.#turn++ % this.#endpoints.length] as string);
  }

  async #useConnection(url: string): Promise<void> {
    const agent = new http.Agent({ keepAlive: this.#keepAlive, maxSockets: 1 });
    for (let isOpen = true; isOpen && !this.#isOver; ) {
      const { outcome, closes } = await this.#send(url, agent);
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      isOpen = this.#keepAlive && !closes;
      // Clients think, so that some connections are idle when a pod gets its signal, and requests cross it on the wire.
      await sleep(Math.random() * 2 * meanPauseMs);
    }
    agent.destroy();
  }

  #send(url: string, agent: http.Agent): Promise<{ outcome: string; closes: boolean }> {
    const { body, type } = this.#form;
    const headers = { 'content-type': type, 'content-length': body.length };
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException) => resolve({ outcome: error.code ?? error.message, closes: true });
      const request = http.request(`${url}/predict`, { method: 'POST', agent, headers }, (response) => {
        const closes = response.headers.connection === 'close';
        response.resume().on('error', failed);
        response.on('end', () => resolve({ outcome: String(response.statusCode), closes }));
      });
      request.on('error', failed);
      request.end(body);
    });
  }
}

function encodeForm({ text, image }: Post): { body: Buffer; type: string } {
  const boundary = 'crosscheck-drill';
  const part = (disposition: string) => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${part('name="text"')}${text}\r\n${part('name="image"; filename="post.png"')}`),
    image,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}
