import { createServer, request } from 'node:http';

/** A minimal forwarder without its own instrumentation: `plain-proxy.ts LISTEN_PORT TARGET_PORT`. */
const [listenPort, targetPort] = process.argv.slice(2).map(Number);

createServer((incoming, response) => {
  const forwarded = request(
    { host: '127.0.0.1', port: targetPort, method: incoming.method, path: incoming.url, headers: incoming.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  forwarded.on('error', (error) => response.writeHead(502).end(error.message));
  incoming.pipe(forwarded);
}).listen(listenPort, '127.0.0.1', () => console.log('listening'));
