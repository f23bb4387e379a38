import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The beginning of a request whose target has bytes that are no ASCII: method, blank, target, blank, version. */
const REQUEST_LINE = /^([A-Z-]{1,20}) ((?:\/|https?:\/\/)[\x21-\x7e\x80-\xff]*)(?= HTTP\/1\.[01]\r?\n)/i;

/**
 * A client's connection from a request on whose target Node's parser refused: raw UTF-8, as curl sends what is typed. The
 * parser reads the target percent-encoded here; `target` is as it came, and goes to Clowder so.
 */
class RawTargetConnection extends Duplex {
  readonly target: string;
  readonly remoteAddress: string | undefined;
  readonly #socket: Socket;

  /** @param head first bytes, with the target that Node takes */
  constructor(socket: Socket, head: Buffer, target: string) {
    super({ allowHalfOpen: true });
    this.target = target;
    this.remoteAddress = socket.remoteAddress;
    this.#socket = socket;
    this.push(head);
    socket.on('data', (piece: Buffer) => {
      if (!this.push(piece)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
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

  /** As of a socket: closes when what was written has left. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }
}

/**
 * A connection of its own for the request that begins these bytes, which Node refused for its target.
 *
 * @param refusedAt where in them it stopped
 * @returns undefined where they begin no such request
 */
export function withRawTarget(socket: Socket, bytes: Buffer, refusedAt: number): RawTargetConnection | undefined {
  const text = bytes.toString('latin1');
  const [line = '', method = '', target = ''] = REQUEST_LINE.exec(text) ?? [];
  if (refusedAt >= line.length) return undefined;
  const readable = Buffer.from(`${method} ${encodedTarget(target)}`, 'latin1');
  return new RawTargetConnection(socket, Buffer.concat([readable, bytes.subarray(line.length)]), target);
}

/** Bytes beyond ASCII percent-encoded. @param target a character a byte */
function encodedTarget(target: string): string {
  return target.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The target as it came where the connection is one of these; they are for one request each. */
export const rawTargetOf = (connection: Duplex): string | undefined =>
  connection instanceof RawTargetConnection ? connection.target : undefined;
