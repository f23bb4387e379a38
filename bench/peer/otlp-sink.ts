import { createServer } from 'node:http';

/**
 * Where the proxies of the proxy rows send their telemetry: takes everything, reads it to the end, says yes. On
 * GET / it tells how many bytes each path has got.
 *
 * node bench/peer/otlp-sink.ts <port>
 */
const port = Number(process.argv[2]);
const received: Record<string, number> = {};

createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify(received));
    return;
  }
  const path = request.url ?? '/';
  request.on('data', (chunk: Buffer) => {
    received[path] = (received[path] ?? 0) + chunk.length;
  });
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': request.headers['content-type'] ?? 'application/x-protobuf' });
    response.end();
  });
}).listen(port, '127.0.0.1');
