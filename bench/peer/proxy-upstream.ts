import { createServer, type ServerResponse } from 'node:http';

/**
 * The upstream of the proxy and memory rows: a plain Node server whose answers have the size and shape of Clowder's.
 *
 * node bench/peer/proxy-upstream.ts <port>
 */
const port = Number(process.argv[2]);

interface Answer {
  readonly type: string;
  readonly body: Buffer;
}

const ID = '64a1f0c2e4b0d3a9c8f7b6a5';
const person = { id: ID, email: 'ada@clowder.test', first_name: 'Ada', last_name: 'Lovelace' };

const DATASET: Answer = json({ id: ID, name: 'Soil cores 2026', description: 'd'.repeat(300), creator: person, created: '2026-03-01T12:00:00', modified: '2026-03-02T12:00:00', status: 'PRIVATE', views: 12, downloads: 3, downloads_bytes: 1_048_576, frozen: false }); // prettier-ignore
const FILES: Answer = json({ metadata: { total_count: 10, skip: 0, limit: 10 }, data: Array.from({ length: 10 }, (_, index) => ({ id: `${ID.slice(0, 23)}${index}`, name: `core-${index}.csv`, bytes: 65_536, content_type: { content_type: 'text/csv', main_type: 'text' }, creator: person })) }); // prettier-ignore
const PAGE: Answer = { type: 'text/html; charset=utf-8', body: Buffer.from(`<!DOCTYPE html><html><head><title>Soil cores</title></head><body>${'<p>Soil core, 2026, 30 cm</p>'.repeat(300)}</body></html>`) }; // prettier-ignore
const FILE: Answer = { type: 'application/octet-stream', body: Buffer.alloc(64 * 1024, 'clowder') };

/** By path prefix; all other paths answer with a dataset. */
const ANSWERS: readonly [prefix: string, answer: Answer][] = [
  ['/api/v2/files/', FILE],
  ['/api/v2/jobs', FILES],
  ['/datasets/', PAGE],
];

const PIECE = Buffer.alloc(256 * 1024, 'x');

const server = createServer((request, response) => {
  const url = request.url ?? '/';
  if (request.method === 'POST' || request.method === 'PUT') {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => send(response, json({ id: ID, bytes })));
    return;
  }
  const large = /[?&]bytes=(\d+)/.exec(url);
  if (large !== null) sendLarge(response, Number(large[1]));
  else send(response, ANSWERS.find(([prefix]) => url.startsWith(prefix))?.[1] ?? DATASET);
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1');

function json(value: unknown): Answer {
  return { type: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

function send(response: ServerResponse, { type, body }: Answer): void {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length, Server: 'uvicorn' });
  response.end(body);
}

function sendLarge(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes });
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}
