import type { IncomingMessage } from 'node:http';
import { trailerLines } from './headers/trailers.ts';
import type { LentConnection } from './upstream/index.ts';

/** Pieces smaller than this are sent together with those that arrived with them. */
const SMALL_BYTES = 1024;
/** Most bytes gathered before sending. */
const GATHERED_BYTES = 65_536;

/** Sends the body of one request to Clowder, as fast as Clowder takes it and without needlessly small pieces. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #connection: LentConnection;
  readonly #isChunked: boolean;
  readonly #passed: (piece: Buffer) => void;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #done = false;

  /** @param passed called with every piece before it is sent */
  constructor(
    request: IncomingMessage,
    connection: LentConnection,
    framing: 'length' | 'chunked',
    passed: (piece: Buffer) => void,
  ) {
    this.#request = request;
    this.#connection = connection;
    this.#isChunked = framing === 'chunked';
    this.#passed = passed;
  }

  /** Whether the whole body has been handed to the connection. */
  get done(): boolean {
    return this.#done;
  }

  start(): void {
    this.#request.on('data', this.#onData);
    this.#request.on('end', this.#onEnd);
  }

  readonly #onData = (piece: Buffer): void => {
    if (this.#gatheredBytes === 0 && (!this.#isChunked || piece.length >= SMALL_BYTES)) {
      this.#send(piece);
      return;
    }
    // Chunks of one byte arrive by the thousand at once and would cost one write each.
    if (this.#gatheredBytes === 0) process.nextTick(this.#sendGathered);
    this.#gathered.push(piece);
    this.#gatheredBytes += piece.length;
    if (this.#gatheredBytes >= GATHERED_BYTES) this.#sendGathered();
  };

  readonly #sendGathered = (): void => {
    if (this.#gatheredBytes === 0) return;
    const together = Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#send(together);
  };

  #send(piece: Buffer): void {
    this.#passed(piece);
    const connection = this.#connection;
    if (!connection.takesMore) return;
    const more = this.#isChunked ? connection.writeChunk(piece) : connection.write(piece);
    if (!more) this.#request.pause();
  }

  readonly #onEnd = (): void => {
    this.#sendGathered();
    this.#done = true;
    if (this.#isChunked && this.#connection.takesMore)
      this.#connection.write(`0\r\n${trailerLines(this.#request.rawTrailers)}\r\n`);
    this.#connection.requestDone();
  };
}
