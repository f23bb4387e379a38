import { request, type Agent } from 'node:http';
import type { Socket } from 'node:net';
import { USER_AGENTS, type FormPart, type Got, type Sent } from '../stand-in/scenarios/scenario.ts';
import { waitFor } from './wait-for.ts';

/** One request as its client knows it. */
export interface Exchange {
  readonly address: '127.0.0.1' | '::1';
  /** Port of the client's end of the connection. */
  readonly port: number;
  /** 1 for the first request on its connection. */
  readonly ordinal: number;
  readonly userAgent: string;
  readonly isBot: boolean;
  readonly status: number;
  /** All received bytes of the answer: head, body, framing. */
  readonly bytes: number;
}

/** How much a connection was used so far. */
interface Use {
  requests: number;
  bytesRead: number;
}

const uses = new WeakMap<Socket, Use>();

/** Where requests are sent. */
export interface Destination {
  readonly agent: Agent;
  readonly address: Exchange['address'];
  readonly port: number;
}

/**
 * Sends a request and resolves when the answer has ended, or when the client has left as `leaveAfterBytes` says.
 *
 * @throws Error if the connection fails
 */
export function sendRecorded(to: Destination, sent: Sent): Promise<{ readonly got: Got; readonly exchange: Exchange }> {
  const { agent, headers, method, parts, path, leaveAfterBytes = Infinity } = sent;
  const body = parts === undefined ? undefined : multipart(parts);
  const userAgent = agent === undefined || agent === 'curl' ? 'curl/8.5.0' : USER_AGENTS[agent];
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof sendRecorded>>>();
  const all = {
    'user-agent': userAgent,
    ...headers,
    ...(body !== undefined && { 'content-type': body.type, 'content-length': String(body.content.length) }),
  };
  const options = { agent: to.agent, host: to.address, port: to.port, method, path, headers: all };
  const outgoing = request(options, (response) => {
    const { socket } = response;
    const { requests: ordinal, bytesRead: before } = useOf(socket);
    const { localPort: port = 0 } = socket;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (): void => {
      const { bytesRead } = socket;
      useOf(socket).bytesRead = bytesRead;
      const status = response.statusCode ?? 0;
      const { address } = to;
      const isBot = agent === 'bot';
      resolve({
        got: {
          status,
          headers: new Map(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          text: Buffer.concat(chunks).toString(),
          bytes,
        },
        exchange: { address, port, ordinal, userAgent, isBot, status, bytes: bytesRead - before },
      });
    };
    let leaving = false;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < leaveAfterBytes || leaving) return;
      leaving = true;
      // First read all that the server has sent, as the server counts it.
      quiet(socket).then(() => (end(), response.destroy()), reject);
    });
    response.on('end', end).on('error', reject);
  });
  outgoing.on('socket', (socket) => void (useOf(socket).requests += 1));
  outgoing.on('error', reject);
  outgoing.end(body?.content);
  return promise;
}

function useOf(socket: Socket): Use {
  let use = uses.get(socket);
  if (use === undefined) uses.set(socket, (use = { requests: 0, bytesRead: 0 }));
  return use;
}

/** Resolves when nothing more arrives from a server that has stalled. */
async function quiet(socket: Socket): Promise<void> {
  let before = -1;
  const nothingCame = (): boolean => {
    const was = before;
    before = socket.bytesRead;
    return was === before;
  };
  await waitFor(nothingCame, { what: 'a stalled answer to be read' });
}

function multipart(parts: readonly FormPart[]): { readonly type: string; readonly content: Buffer } {
  const boundary = '----clowder-otel-test';
  const pieces = parts.map((part) => {
    const named = `--${boundary}\r\ncontent-disposition: form-data; name="${part.name}"`;
    return 'value' in part
      ? `${named}\r\n\r\n${part.value}\r\n`
      : `${named}; filename="${part.fileName}"\r\ncontent-type: ${part.contentType}\r\n\r\n${'part '.repeat(part.bytes).slice(0, part.bytes)}\r\n`;
  });
  const content = Buffer.from(`${pieces.join('')}--${boundary}--\r\n`);
  return { type: `multipart/form-data; boundary=${boundary}`, content };
}
