import { METHODS } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A request line with non-ASCII bytes in its target: method, blank, target, blank, version. */
const REQUEST_LINE = /^([A-Z-]+) ((?:\/|https?:\/\/)[\x21-\x7e\x80-\xff]*)(?= HTTP\/1\.[01]\r?\n)/i;
/** How the target of such a line may begin. */
const TARGET_BEGUN = /^(?:\/|https?:\/\/)[\x21-\x7e]*$/i;
/** Node refuses longer lines. */
const LINE_BYTES = 65_536;
const LINE_FEED = 0x0a;

/**
 * A client's connection, starting at a request whose target Node's parser refused: raw UTF-8, as curl sends what is typed. Here
 * the parser reads the target percent-encoded; `target` is the original, which Clowder receives.
 */
class RawTargetConnection extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly #socket: Socket;
  /** What has arrived of the request line; undefined once it is whole. */
  #line: Buffer | undefined;
  #target: string | undefined;

  /** @param head what has arrived of the request, at least its first bytes */
  constructor(socket: Socket, head: Buffer) {
    super({ allowHalfOpen: true });
    this.remoteAddress = socket.remoteAddress;
    this.#socket = socket;
    this.#line = Buffer.alloc(0);
    this.#take(head);
    socket.on('data', (piece: Buffer) => {
      if (!this.#take(piece)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Undefined until the request line is whole, and if the line is not understood. */
  get target(): string | undefined {
    return this.#target;
  }

  #take(piece: Buffer): boolean {
    if (this.#line === undefined) return this.push(piece);
    const line = Buffer.concat([this.#line, piece]);
    if (!line.includes(LINE_FEED) && line.length < LINE_BYTES) {
      this.#line = line;
      return true;
    }
    this.#line = undefined;
    const [whole = '', method = '', target] = REQUEST_LINE.exec(line.toString('latin1')) ?? [];
    if (target === undefined) return this.push(line);
    this.#target = target;
    const readable = Buffer.from(`${method} ${encodedTarget(target)}`, 'latin1');
    return this.push(Buffer.concat([readable, line.subarray(whole.length)]));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(piece, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** Like a socket's: closes once everything written has been sent. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }
}

/**
 * A separate connection for a request that Node refused for its target.
 *
 * @param bytes read last; other requests and their bodies may precede it
 * @param refusedAt offset in `bytes` where Node stopped
 * @returns undefined if there is no such request or its beginning cannot be determined
 */
export function withRawTarget(socket: Socket, bytes: Buffer, refusedAt: number): RawTargetConnection | undefined {
  const begun = bytes.toString('latin1', 0, refusedAt);
  const blank = begun.lastIndexOf(' ');
  const method = blank === -1 ? undefined : methodAtEnd(begun.slice(0, blank));
  const isRaw = (bytes[refusedAt] ?? 0) >= 0x80;
  if (method === undefined || !isRaw || !TARGET_BEGUN.test(begun.slice(blank + 1))) return undefined;
  return new RawTargetConnection(socket, bytes.subarray(blank - method.length));
}

/** The method at the end of a text: all of its last letters or, after a body, the one method that they end with. */
function methodAtEnd(text: string): string | undefined {
  const [letters = ''] = /[A-Za-z-]*$/.exec(text) ?? [];
  if (METHODS.includes(letters)) return letters;
  // Earlier bytes belong to the word, so its beginning is unknown.
  if (letters.length === text.length) return undefined;
  const [method, another] = METHODS.filter((one) => letters.endsWith(one));
  return another === undefined ? method : undefined;
}

/** Percent-encodes bytes beyond ASCII. @param target one character per byte */
function encodedTarget(target: string): string {
  return target.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The original target if the connection is one of these; each carries one request. */
export const rawTargetOf = (connection: Duplex): string | undefined =>
  connection instanceof RawTargetConnection ? connection.target : undefined;
