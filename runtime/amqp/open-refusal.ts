import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Methods of AMQP 0-9-1: class in the upper half, method in the lower. */
const METHOD = {
  start: 0x000a_000a,
  startOk: 0x000a_000b,
  tune: 0x000a_001e,
  tuneOk: 0x000a_001f,
  open: 0x000a_0028,
  close: 0x000a_0032,
} as const;

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\t\u0001', 'latin1');
const FRAME_HEAD = 7;
const FRAME_END = 0xce;
/** No answer while opening is this long. */
const MOST_BYTES = 1024 * 1024;

export interface AskOptions {
  readonly timeoutMs: number;
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> | undefined;
  readonly signal: AbortSignal;
}

/**
 * Asks a broker again why it does not open a connection: amqplib names the frame of the refusal, but not its text.
 *
 * @param url of one broker, checked by `parseAmqpUrls`
 * @returns code and text in the form of an amqplib error; undefined if the broker says nothing, or would open the
 * connection by now
 */
export async function refusalOfOpening(url: string, options: AskOptions): Promise<string | undefined> {
  const address = new URL(url);
  let socket: Socket | undefined;
  try {
    socket = dial(address, options);
    return await converse(socket, address);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
  }
}

function dial({ protocol, hostname, port }: URL, { timeoutMs, tls, signal }: AskOptions): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const options = { host, port: Number(port === '' ? (protocol === 'amqp:' ? 5672 : 5671) : port), signal };
  const socket =
    protocol === 'amqp:'
      ? connectTcp(options)
      : connectTls({ ...options, ...tls, ...(isIP(host) === 0 && { servername: host }) });
  return socket.setTimeout(timeoutMs, () => socket.destroy());
}

async function converse(socket: Socket, address: URL): Promise<string | undefined> {
  socket.write(PROTOCOL_HEADER);
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let payload = firstPayload(rest); payload !== undefined; payload = firstPayload(rest)) {
      rest = rest.subarray(FRAME_HEAD + payload.length + 1);
      const method = payload.readUInt32BE(0);
      if (method === METHOD.start) socket.write(frame(METHOD.startOk, startOk(address)));
      else if (method === METHOD.tune) {
        // The broker's proposal, unchanged.
        socket.write(frame(METHOD.tuneOk, payload.subarray(4)));
        socket.write(frame(METHOD.open, open(address)));
      } else return method === METHOD.close ? wordsOf(payload) : undefined;
    }
    if (rest.length > MOST_BYTES) return undefined;
  }
  return undefined;
}

function firstPayload(bytes: Buffer): Buffer | undefined {
  if (bytes.length < FRAME_HEAD) return undefined;
  const length = bytes.readUInt32BE(3);
  return bytes.length > FRAME_HEAD + length ? bytes.subarray(FRAME_HEAD, FRAME_HEAD + length) : undefined;
}

function frame(method: number, fields: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD + 4);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(4 + fields.length, 3);
  head.writeUInt32BE(method, FRAME_HEAD);
  return Buffer.concat([head, fields, Buffer.of(FRAME_END)]);
}

function startOk({ username, password }: URL): Buffer {
  const [user, secret] = username === '' && password === '' ? ['guest', 'guest'] : [username, password];
  const response = Buffer.from(`\0${decodeURIComponent(user)}\0${decodeURIComponent(secret)}`);
  return Buffer.concat([uint32(0), shortString('PLAIN'), uint32(response.length), response, shortString('en_US')]);
}

function open({ pathname }: URL): Buffer {
  const vhost = decodeURIComponent(pathname.slice(1));
  return Buffer.concat([shortString(vhost === '' ? '/' : vhost), shortString(''), Buffer.of(0)]);
}

function wordsOf(close: Buffer): string {
  const length = close.readUInt8(6);
  return `Connection closed: ${close.readUInt16BE(4)} with message "${close.toString('utf8', 7, 7 + length)}"`;
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 255);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
