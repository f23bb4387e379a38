import type { Socket } from 'node:net';

/** The parts of Node's own HTTP parser that are used here. */
interface Parser {
  readonly socket: Socket | null;
  /** A copy of what the parser is reading. */
  getCurrentBuffer(): Buffer;
}
type OnMessageBegin = (this: Parser) => void;

/** Node refuses longer lines. */
const LINE_BYTES = 65_536;
/** Pieces are merged beyond this number: in an endless list, each would take more memory than its content. */
const PIECES = 64;
const LINE_FEED = 0x0a;
/** What a piece of a request line may end in: letters of a method, or a method and the ASCII start of a target. */
const BEGUN = /[A-Z](?: [!-~]*)?$/;

/** What a connection has sent since its last line end. */
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
 * The beginnings of request lines that arrive in pieces. Node's parser does not expose them: for a line that it refuses, it
 * reports only the bytes read last.
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
      // The usual case: a head that arrived whole ends in a line feed.
      if (
        end === chunk.length - 1 ||
        !BEGUN.test(chunk.toString('latin1', Math.max(end + 1, chunk.length - LINE_BYTES)))
      )
        return;
      const tail = new Tail();
      tail.add(chunk);
      tails.set(socket, tail);
      // From here on we see all that Node's parser reads; the parser reads it first.
      socket.on('data', (piece: Buffer) => tail.add(piece));
    };
  }

  /** @param socket already taken by Node's server */
  watch(socket: Socket): void {
    const parser: unknown = 'parser' in socket ? socket.parser : undefined;
    if (typeof parser !== 'object' || parser === null) return;
    const { kOnMessageBegin: hook } = parser.constructor as { readonly kOnMessageBegin?: unknown };
    if (typeof hook === 'number') Object.assign(parser, { [hook]: this.#onMessageBegin });
  }

  /** What arrived of a line before the bytes that the parser reads now. */
  before(socket: Socket): Buffer {
    return this.#tails.get(socket)?.bytes ?? Buffer.alloc(0);
  }
}
