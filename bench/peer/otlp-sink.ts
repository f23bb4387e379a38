import { createServer } from 'node:http';

/**
 * Receives the telemetry of the proxies in the proxy rows: reads every request to the end and answers 200. GET / returns the
 * number of bytes received per path.
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
