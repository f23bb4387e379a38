import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { RequestHead } from '../capture/types.ts';

/** The head of a request received by a node:http or node:https server. */
export function requestHead(request: IncomingMessage): RequestHead {
  const { socket } = request;
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: request.headers,
    httpVersion: request.httpVersion,
    remoteAddress: socket.remoteAddress,
    scheme: socket instanceof TLSSocket ? 'https' : 'http',
  };
}
