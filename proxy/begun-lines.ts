import type { Socket } from 'node:net';

/** What is used of Node's own parser of a connection. */
interface Parser {
  readonly socket: Socket | null;
  /** A copy of what it is reading. */
  getCurrentBuffer(): Buffer;
}
type OnMessageBegin = (this: Parser) => void;

/** A longer line is nobody's: Node refuses it. */
const LINE_BYTES = 65_536;
/** So many pieces are put together: of a list without end, each by itself would take more than it holds. */
const PIECES = 64;
const LINE_FEED = 0x0a;
/** What may be the first part of a request line: letters of a method, or it, and some of a target in ASCII. */
const BEGUN = /[A-Z](?: [!-~]*)?$/;

/** Of a connection, what came since the last end of a line. */
class Tail {
  #pieces: Buffer[] = [];
  #length = 0;

  add(chunk: Buffer): void {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end !== -1) [this.#pieces, this.#length] = [[], 0];
    this.#length += chunk.length - end - 1;
    if (this.#length > LINE_BYTES) this.#pieces = [];
    else this.#pieces.push(chunk.subarray(end + 1));
    if (this.#pieces.length > PIECES) this.#pieces = [this.bytes];
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

/**
 * The beginnings of request lines that come in pieces. Node's parser keeps them to itself, and tells of a line that it
 * refuses only the bytes that it read last.
 */
export class BegunLines {
  readonly #tails = new WeakMap<Socket, Tail>();
  readonly #onMessageBegin: OnMessageBegin;

  constructor() {
    const tails = this.#tails;
    this.#onMessageBegin = function onMessageBegin() {
      const { socket } = this;
      if (socket === null || tails.has(socket)) return;
      const chunk = this.getCurrentBuffer();
      const end = chunk.lastIndexOf(LINE_FEED);
      // Nearly always: a head that came as a whole ends in one.
      if (
        end === chunk.length - 1 ||
        !BEGUN.test(chunk.toString('latin1', Math.max(end + 1, chunk.length - LINE_BYTES)))
      )
        return;
      const tail = new Tail();
      tail.add(chunk);
      tails.set(socket, tail);
      // From here on, Node's parser reads what we see, too. It does so first.
      socket.on('data', (piece: Buffer) => tail.add(piece));
    };
  }

  /** @param socket which Node's server has taken already */
  watch(socket: Socket): void {
    const parser: unknown = 'parser' in socket ? socket.parser : undefined;
    if (typeof parser !== 'object' || parser === null) return;
    const { kOnMessageBegin: hook } = parser.constructor as { readonly kOnMessageBegin?: unknown };
    if (typeof hook === 'number') Object.assign(parser, { [hook]: this.#onMessageBegin });
  }

  /** What came of a line before the bytes that the parser reads now. */
  before(socket: Socket): Buffer {
    return this.#tails.get(socket)?.bytes ?? Buffer.alloc(0);
  }
}
