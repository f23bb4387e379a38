import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { CAPTURED_HEADER } from './headers/response-headers.ts';

/** How long to read and discard the rest of a request that is not forwarded. */
const LINGER_MS = 5000;

/** Texts of the proxy's own answers, for people with a browser or curl. */
const SENTENCES: Readonly<Record<number, string>> = {
  408: 'The request did not arrive in time.',
  431: 'The header of the request is too large.',
  502: 'Clowder cannot be reached, or did not give a proper answer. Try again later.',
  503: 'Clowder is busy. Try again later.',
  504: 'Clowder did not answer in time. Try again later.',
};

/** @param reason replaces the status's own sentence */
function answerText(status: number, reason?: string): string {
  const sentence = reason ?? SENTENCES[status];
  return `${status} ${STATUS_CODES[status] ?? ''}\n${sentence === undefined ? '' : `${sentence}\n`}`;
}

/** Answers in place of Clowder, in plain text. Reads the rest of the request, as the client may see the answer only then. */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  { mark, reason }: { mark?: string | undefined; reason?: string } = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const text = answerText(status, reason);
  const unread = !isOver(request);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...(mark !== undefined && { [CAPTURED_HEADER]: mark }),
    ...(unread && { Connection: 'close' }),
  });
  if (!unread) {
    response.end(text);
    return;
  }
  // The client sees by the length that the answer is complete; `end` would close the connection while it still writes.
  response.write(text);
  const end = (): void => {
    waitingForRequest.delete(response);
    response.end();
  };
  waitingForRequest.add(response);
  request.once('end', end).once('close', end);
  linger(request, end);
}

/** Complete answers that only wait for their requests to end. */
const waitingForRequest = new WeakSet<ServerResponse>();

/** Ends our own answer to a request that will never end properly. @returns whether it was such an answer */
export function endWaiting(response: ServerResponse): boolean {
  if (!waitingForRequest.delete(response)) return false;
  response.end();
  return true;
}

/**
 * Reads the rest of a request that is not forwarded: a client that is still writing when its connection closes may not see its
 * answer.
 *
 * @param late called if the client has not finished after some seconds
 */
export function linger(request: IncomingMessage, late: () => void): void {
  if (isOver(request)) return;
  request.resume();
  const timer = setTimeout(late, LINGER_MS);
  request.once('close', () => clearTimeout(timer));
}

/** A request without a body is over before the parser says so. */
function isOver(request: IncomingMessage): boolean {
  return request.complete || request.readableEnded || request.destroyed;
}

/** The whole answer as bytes, for a connection on which no request could be read. */
export function rawAnswer(status: number, reason?: string): string {
  const text = answerText(status, reason);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`
  );
}
