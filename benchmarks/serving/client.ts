import { connect, type Socket } from 'node:net';
import type { Body } from './requests.ts';

/**
 * A client that keeps its connection, on a bare socket: node:http takes the processor, which the service shares, half a millisecond more for
 * a request. It knows answers with a Content-Length, which all systems here send.
 */
export class Client {
  readonly #url: URL;
  #socket: Socket | null = null;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** @returns the status of the answer; 0 when there is none */
  post({ bytes, headers }: Body): Promise<number> {
    const { pathname, host } = this.#url;
    const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = this.#connected();
    return new Promise((resolve) => {
      let received = Buffer.alloc(0);
      const end = (status: number, isOpen: boolean) => {
        socket.removeAllListeners();
        socket.on('error', () => {});
        if (!isOpen) this.close();
        resolve(status);
      };
      socket.on('data', (data) => {
        received = received.length === 0 ? data : Buffer.concat([received, data]);
        const answer = readAnswer(received);
        if (answer) end(answer.status, answer.isOpen);
      });
      socket.on('error', () => end(0, false));
      socket.on('close', () => end(0, false));
      socket.cork();
      socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
      socket.write(bytes);
      socket.uncork();
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #connected(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    this.#socket = connect({ port: Number(this.#url.port), host: this.#url.hostname, noDelay: true });
    return this.#socket;
  }
}

/** @returns null while it is not all there */
function readAnswer(received: Buffer): { status: number; isOpen: boolean } | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = received.toString('latin1', 0, headEnd);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (received.length < headEnd + 4 + length) return null;
  return { status: Number(head.slice(9, 12)), isOpen: !/^connection: *close/im.test(head) };
}
