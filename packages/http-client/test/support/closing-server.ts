import net, { type AddressInfo, type Socket } from 'node:net';

/** How a server ends: each writes a head and `body`, and closes in its own way. `isWhole` = all that the head promised came. */
export const endings: Readonly<Record<string, { isWhole: boolean; answer: (socket: Socket, body: Buffer) => void }>> = {
  'length, then closed': {
    isWhole: true,
    answer: (socket, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
      socket.end(body);
    },
  },
  'closed as the only end': {
    isWhole: true,
    answer: (socket, body) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      socket.end(body);
    },
  },
  'HTTP/1.0': {
    isWhole: true,
    answer: (socket, body) => {
      socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.end(body);
    },
  },
  'chunks, then closed': {
    isWhole: true,
    answer: (socket, body) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
      socket.write(`${body.length.toString(16)}\r\n`);
      socket.write(body);
      socket.end('\r\n0\r\n\r\n');
    },
  },
  'half of the length': {
    isWhole: false,
    answer: (socket, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length * 2}\r\n\r\n`);
      socket.end(body);
    },
  },
  'chunks without an end': {
    isWhole: false,
    answer: (socket, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`);
      socket.end(body);
    },
  },
  reset: {
    isWhole: false,
    answer: (socket, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length * 2}\r\n\r\n`);
      socket.write(body, () => setTimeout(() => socket.resetAndDestroy(), 20));
    },
  },
  destroyed: {
    isWhole: false,
    answer: (socket, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length * 2}\r\n\r\n`);
      socket.write(body, () => setTimeout(() => socket.destroy(), 20));
    },
  },
};

/** Answers `/<index of the ending>/<bytes>`. */
export async function startClosingServer(): Promise<{ url: string; stop: () => void }> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {}); // the client may be gone first
    socket.once('data', (head) => {
      const [, index = '', bytes = ''] = /^GET \/(\d+)\/(\d+) /.exec(head.toString()) ?? [];
      Object.values(endings)[Number(index)]?.answer(socket, Buffer.alloc(Number(bytes), 65));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
}
