import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How much of a body that nobody wants is read and thrown away, so that its sender comes to the answer. */
const limits = { bytes: 64 * 2 ** 20, silentMs: 5000 };
const lookEveryMs = 100;

/**
 * Makes answers that are given before the whole body is there reach their clients. A connection that is closed while the client still sends is
 * reset, and a client whose connection is reset loses an answer that it has not read yet. So the connection ends in one direction only, and
 * what still comes is thrown away, within limits; nginx calls it a lingering close.
 */
export function lingerOnEarlyAnswers(server: Server): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!hasBody(request)) return;
    const { socket } = request;
    closeLater(socket, request);
    response.once('finish', () => {
      if (!request.complete) watch(socket, request);
    });
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Node closes with this method after the last answer of a connection. */
function closeLater(socket: Socket, request: IncomingMessage): void {
  const destroySoon = Object.getPrototypeOf(socket).destroySoon as () => void;
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon;
    if (request.complete) socket.destroySoon();
    else socket.end();
  };
}

function watch(socket: Socket, request: IncomingMessage): void {
  const startedWith = socket.bytesRead;
  let [seen, silentMs] = [startedWith, 0];
  const timer = setInterval(() => {
    silentMs = socket.bytesRead === seen ? silentMs + lookEveryMs : 0;
    seen = socket.bytesRead;
    const isOver = request.complete || silentMs > limits.silentMs || seen - startedWith > limits.bytes;
    if (!isOver && !socket.destroyed) return;
    clearInterval(timer);
    // A connection that is kept goes on with the next request.
    if (!request.complete || socket.writableEnded) socket.destroy();
  }, lookEveryMs);
}
