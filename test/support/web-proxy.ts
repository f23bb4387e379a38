import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** A web proxy that answers for every host itself and records the requests. */
export interface WebProxy extends AsyncDisposable {
  readonly url: string;
  /** In the form `hook.example.org POST /path`. */
  readonly asked: readonly string[];
}

/** Accepts requests with a whole URL, and tunnels (CONNECT). */
export async function startWebProxy(): Promise<WebProxy> {
  const asked: string[] = [];
  const answer = (host: string | undefined): Server =>
    createServer((request, response) => {
      const url = new URL(request.url ?? '', `http://${host ?? request.headers.host}`);
      asked.push(`${url.hostname} ${request.method} ${url.pathname}`);
      request.resume().on('end', () => response.end());
    });
  const proxy = answer(undefined);
  proxy.on('connect', (request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    answer(request.url).emit('connection', socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
