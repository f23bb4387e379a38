import type { Socket } from 'node:net';
import type { Answering } from './answering.ts';
import { socketError, UpstreamError } from './errors.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';
import type { LentConnection } from './upstream.ts';

/** What a connection is doing; each phase has its own time limit. */
export type Phase = 'connecting' | 'idle' | 'sending' | 'waiting' | 'answering' | 'unlimited';

export interface ConnectionOwner {
  /** The connection is free for another request. */
  released(connection: UpstreamConnection): void;
  closed(connection: UpstreamConnection): void;
  /** Bytes arrived that belong to no answer. */
  excess(): void;
}

/** One HTTP/1.1 connection to Clowder. */
export class UpstreamConnection implements ResponseSink, LentConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  #answering: Answering | undefined;
  #connected = false;
  #closed = false;
  #requestDone = false;
  #answerDone = false;
  #keepAlive = false;
  #used = false;
  #phase: Phase = 'idle';
  /** Checks by the pool since something last moved. */
  quietFor = 0;
  /** How many seconds Clowder says it keeps an idle connection; undefined if it does not say. */
  keepAliveS: number | undefined;

  /** @param socket still connecting, with `allowHalfOpen` */
  constructor(socket: Socket, owner: ConnectionOwner, options: { maxHeadBytes: number; secure: boolean }) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new ResponseParser(this, options);
    socket.once(options.secure ? 'secureConnect' : 'connect', () => {
      this.#connected = true;
      this.quietFor = 0;
    });
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get phase(): Phase {
    return this.#connected || this.#closed ? this.#phase : 'connecting';
  }

  begin(answering: Answering, method: string, head: string, options: { body: boolean; upgrade: boolean }): void {
    this.#answering = answering;
    this.#requestDone = false;
    this.#answerDone = false;
    this.#keepAlive = false;
    this.quietFor = 0;
    this.#phase = 'sending';
    this.#parser.expect(method, options.upgrade);
    if (options.body) {
      // The first piece of the body usually arrives with the head: send both in one packet.
      this.#socket.cork();
      process.nextTick(uncork, this.#socket);
    }
    this.#socket.write(head, 'latin1');
    if (!options.body) this.requestDone();
  }

  write(data: Uint8Array | string): boolean {
    this.quietFor = 0;
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  writeChunk(data: Uint8Array): boolean {
    this.quietFor = 0;
    this.#socket.cork();
    this.#socket.write(`${data.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(data);
    const more = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return more;
  }

  requestDone(): void {
    this.#requestDone = true;
    if (this.#phase === 'sending') this.#phase = 'waiting';
    this.#releaseWhenDone();
  }

  get takesMore(): boolean {
    return !this.#closed && this.#socket.writable;
  }

  // An exchange may outlast its answer, and the connection may then serve another one: callers identify themselves.

  pause(answering: Answering): void {
    if (this.#answering === answering) this.#socket.pause();
  }

  resume(answering: Answering): void {
    if (this.#answering === answering) this.#socket.resume();
  }

  /** Which side has stalled: Clowder, or the client that neither sends nor reads. */
  get stalledBy(): 'clowder' | 'client' {
    if (this.#phase === 'sending') return this.#socket.writableNeedDrain ? 'clowder' : 'client';
    return this.#phase === 'answering' && this.#socket.isPaused() ? 'client' : 'clowder';
  }

  unlimited(): void {
    this.#phase = 'unlimited';
  }

  /** Ends the connection at once. The waiting exchange receives `error`, if there is one. */
  destroy(error?: UpstreamError): void {
    if (this.#closed) return;
    this.#close();
    this.#socket.destroy();
    const answering = this.#take();
    if (answering === undefined) return;
    if (this.#answerDone) answering.gone();
    else if (error !== undefined) answering.failed(error, false);
  }

  abandon(answering: Answering): void {
    if (this.#answering === answering) this.destroy();
  }

  detach(): Socket {
    this.#close();
    this.#answering = undefined;
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    return socket;
  }

  // Called by the parser.

  informational(head: ResponseHead): void {
    this.#answering?.informational(head);
  }

  head(head: ResponseHead): void {
    this.#keepAlive = head.keepAlive;
    if (this.#phase !== 'unlimited') this.#phase = 'answering';
    const at = head.names.indexOf('keep-alive');
    if (at !== -1) this.keepAliveS = keepAliveSeconds(head.rawHeaders[2 * at + 1] ?? '');
    this.#answering?.head(head);
  }

  body(chunk: Buffer, last: boolean): void {
    this.#answering?.body(chunk, last);
  }

  end(trailers: readonly string[]): void {
    this.#answerDone = true;
    this.#answering?.end(trailers);
  }

  switched(head: ResponseHead, rest: Buffer): void {
    this.#answering?.switched(head, rest);
  }

  /** Clowder sent more than was asked for, or more than it announced: what follows cannot be told apart from an answer. */
  excess(): void {
    this.#keepAlive = false;
    this.#owner.excess();
    if (this.#answering === undefined) this.destroy();
  }

  // Called by the socket.

  readonly #onData = (chunk: Buffer): void => {
    this.quietFor = 0;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      // Also catches errors while passing the answer on: one failing answer must not affect the others.
      this.destroy(error instanceof UpstreamError ? error : socketError(error as Error));
      return;
    }
    this.#answering?.settled();
    this.#releaseWhenDone();
  };

  readonly #onDrain = (): void => {
    this.quietFor = 0;
    this.#answering?.drain();
  };

  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#keepAlive = false;
    try {
      this.#parser.finish();
    } catch (error) {
      this.#fail(error instanceof UpstreamError ? error : socketError(error as Error));
      return;
    }
    this.#answering?.settled();
    this.destroy();
  };

  readonly #onError = (cause: Error): void => {
    // An answer before the error can still be read; a request that can no longer be written need not fail.
    if (this.#answerDone) this.destroy();
    else this.#fail(socketError(cause));
  };

  readonly #onClose = (): void => {
    if (!this.#closed) this.#fail(new UpstreamError('no_response', 'the connection was closed'));
  };

  #fail(error: UpstreamError): void {
    if (this.#closed) return;
    const stale = this.#used && !this.#parser.started;
    this.#close();
    this.#socket.destroy();
    this.#take()?.failed(error, stale);
  }

  #close(): void {
    this.#closed = true;
    this.#owner.closed(this);
  }

  #take(): Answering | undefined {
    const answering = this.#answering;
    this.#answering = undefined;
    return answering;
  }

  #releaseWhenDone(): void {
    if (!this.#answerDone || !this.#requestDone || this.#answering === undefined || this.#closed) return;
    this.#answering = undefined;
    if (!this.#keepAlive) {
      this.destroy();
      return;
    }
    this.#used = true;
    this.#phase = 'idle';
    this.quietFor = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#owner.released(this);
  }
}

function uncork(socket: Socket): void {
  socket.uncork();
}

/** The seconds in `Keep-Alive: timeout=5, max=100`. */
function keepAliveSeconds(value: string): number | undefined {
  const match = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value);
  return match === null ? undefined : Number(match[1]);
}
