import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { linger, sendAnswer } from './own-answers.ts';
import type { Observation } from './observation.ts';
import type { OutgoingHead } from './headers/request-head.ts';
import { answerHeaders, headerOf } from './headers/response-headers.ts';
import { trailerPairs } from './headers/trailers.ts';
import type { AddressPlaces, Arrival } from './address-limits.ts';
import type { ExchangeReport } from './report.ts';
import { RequestBody } from './request-body.ts';
import type { Pages } from './snippet/pages.ts';
import type { Answering, LentConnection, ResponseHead, Upstream, UpstreamError, Waiter } from './upstream/index.ts';

/** What all exchanges of a proxy share. */
export interface ExchangeContext {
  readonly upstream: Pick<Upstream, 'acquire' | 'cancel'>;
  readonly places: Pick<AddressPlaces, 'enter' | 'leave'>;
  readonly via: string | undefined;
  /** Transforms the HTML pages among the answers. */
  readonly pages: Pages;
  /** Called with the number of bytes of each piece of a body. */
  readonly passed: (bytes: number) => void;
  /** Whether the proxy is stopping: then no connection is kept after its answer. */
  readonly draining: () => boolean;
  readonly report: ExchangeReport;
}

/** Methods that may be sent again (RFC 9110, section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Takes over both connections when Clowder agrees to another protocol. */
export type OnSwitched = (head: ResponseHead, upstream: Socket, rest: Buffer) => void;

/** One request from a client to Clowder, and its answer back. */
export class Exchange implements Answering, Arrival, Waiter {
  place: string | undefined;
  readonly #context: ExchangeContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #path: string;
  readonly #head: OutgoingHead;
  readonly #observation: Observation;
  readonly #onSwitched: OnSwitched | undefined;
  /** Where the answer's body is written. */
  #out: Writable;
  #connection: LentConnection | undefined;
  #body: RequestBody | undefined;
  #retried = false;
  #answered = false;
  #corked = false;
  /**
   * Pieces of a chunked answer that arrived together. They are passed on together or not at all, as a later chunk may be
   * malformed.
   */
  #unsure: { readonly head: ResponseHead; readonly pieces: Buffer[] } | undefined;
  #bodyBegun = false;
  #waiting = false;
  #clientLeft = false;
  #over = false;
  #error: UpstreamError | undefined;

  constructor(
    context: ExchangeContext,
    request: IncomingMessage,
    response: ServerResponse,
    what: { path: string; head: OutgoingHead; observation: Observation; onSwitched?: OnSwitched },
  ) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
    this.#out = response;
    this.#path = what.path;
    this.#head = what.head;
    this.#observation = what.observation;
    this.#onSwitched = what.onSwitched;
  }

  start(): void {
    const request = this.#request;
    const response = this.#response;
    this.#context.report.started();
    response.on('close', this.#onClose);
    response.on('error', ignore);
    if (this.#head.framing !== 'none') request.on('error', ignore);
    this.#context.places.enter(this.#observation.clientAddress, this);
  }

  admitted(): void {
    this.#context.upstream.acquire(this, this.#onSwitched !== undefined);
  }

  connected(connection: LentConnection): void {
    const request = this.#request;
    const { framing, text } = this.#head;
    const upgrade = this.#onSwitched !== undefined;
    this.#connection = connection;
    connection.begin(this, request.method ?? 'GET', text, { body: framing !== 'none', upgrade });
    if (framing === 'none') return;
    this.#body = new RequestBody(request, connection, framing, this.#onRequestPiece);
    this.#body.start();
  }

  // The request, to Clowder.

  readonly #onRequestPiece = (piece: Buffer): void => {
    this.#observation.requestChunk(piece);
    this.#context.passed(piece.length);
  };

  drain(): void {
    this.#request.resume();
  }

  gone(): void {
    this.#connection = undefined;
    linger(this.#request, () => this.#request.socket.destroy());
  }

  // The answer, to the client.

  informational(head: ResponseHead): void {
    const response = this.#response;
    if (response.headersSent || response.destroyed || this.#request.httpVersion === '1.0') return;
    if (head.status === 100) response.writeContinue();
    else if (typeof response.writeInformation === 'function')
      response.writeInformation(head.status, answerHeaders(head, NO_RULES));
    else if (head.status === 102) response.writeProcessing();
    // Wait on the socket: a response that has not begun emits no drain event.
    const { socket } = response;
    if (socket?.writableNeedDrain === true) this.#waitForClient(socket);
  }

  head(head: ResponseHead): void {
    if (head.framing === 'chunked') this.#unsure = { head, pieces: [] };
    else this.#answer(head);
  }

  #answer(head: ResponseHead): void {
    this.#answered = true;
    this.#context.report.answered();
    const response = this.#response;
    this.#observation.responseHead(head.status, (name) => headerOf(head, name));
    if (response.destroyed) return;
    if (headerOf(head, 'content-type')?.startsWith('text/event-stream') === true) this.#connection?.unlimited();
    const rules = {
      mark: this.#observation.mark,
      close: this.#context.draining(),
      trailers: head.framing === 'chunked' && this.#request.httpVersion !== '1.0',
      via: this.#context.via,
    };
    // Sends the head and the body bytes that arrived with it in one packet.
    response.cork();
    this.#corked = true;
    response.sendDate = false;
    const page = this.#context.pages.of(this.#request, head, this.#observation);
    response.writeHead(head.status, head.reason, answerHeaders(page.head, rules));
    this.#out = page.into?.(response) ?? response;
  }

  body(chunk: Buffer, last: boolean): void {
    if (this.#unsure === undefined) this.#pass(chunk, last);
    else this.#unsure.pieces.push(chunk);
  }

  #pass(chunk: Buffer, last: boolean): void {
    const response = this.#response;
    this.#observation.responseChunk(chunk);
    this.#context.passed(chunk.length);
    if (response.destroyed) return;
    this.#bodyBegun = true;
    if (last) this.#out.end(chunk);
    else if (!this.#out.write(chunk)) this.#waitForClient(this.#out);
  }

  /** What has arrived so far is valid: pass it on. */
  #passOn(): void {
    const unsure = this.#unsure;
    if (unsure === undefined) return;
    this.#unsure = undefined;
    this.#answer(unsure.head);
    for (const piece of unsure.pieces) this.#pass(piece, false);
  }

  end(trailers: readonly string[]): void {
    this.#passOn();
    const response = this.#response;
    if (this.#clientLeft) this.#finish(false);
    if (response.destroyed || this.#out.writableEnded) return;
    if (trailers.length > 0) response.addTrailers(trailerPairs(trailers));
    this.#out.end();
  }

  settled(): void {
    this.#passOn();
    if (!this.#corked) return;
    this.#corked = false;
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    if (!this.#bodyBegun) response.flushHeaders();
    response.uncork();
  }

  switched(head: ResponseHead, rest: Buffer): void {
    const connection = this.#connection;
    if (connection === undefined || this.#onSwitched === undefined) return;
    this.#answered = true;
    this.#context.report.answered();
    this.#context.report.switched();
    this.#observation.responseHead(head.status, (name) => headerOf(head, name));
    this.#connection = undefined;
    this.#response.off('close', this.#onClose);
    this.#finish(true);
    this.#onSwitched(head, connection.detach(), rest);
  }

  failed(error: UpstreamError, stale: boolean): void {
    this.#connection = undefined;
    this.#unsure = undefined;
    if (this.#over) return;
    if (stale && this.#mayRetry()) {
      this.#retried = true;
      this.#context.report.retried();
      this.#context.upstream.acquire(this, true);
      return;
    }
    this.#error = error;
    if (this.#clientLeft) {
      this.#finish(false);
      return;
    }
    const { traceId } = this.#observation;
    this.#context.report.failed(error, { method: this.#request.method ?? '', path: this.#path, traceId });
    if (this.#answered) {
      // The client must not take a partial answer for a complete one.
      this.#response.destroy();
      return;
    }
    this.#observation.responseHead(error.status, () => undefined);
    sendAnswer(this.#request, this.#response, error.status, { mark: this.#observation.mark });
  }

  #mayRetry(): boolean {
    return !this.#retried && this.#head.framing === 'none' && IDEMPOTENT.has(this.#request.method ?? '');
  }

  #waitForClient(written: Writable): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#connection?.pause(this);
    written.once('drain', this.#onClientReads);
  }

  readonly #onClientReads = (): void => {
    this.#waiting = false;
    this.#connection?.resume(this);
  };

  readonly #onClose = (): void => {
    if (this.#over) return;
    const left = !this.#response.writableFinished;
    if (left && this.#error === undefined) this.#context.report.clientLeft();
    if (left && this.#isChangeUnderWay()) {
      this.#clientLeft = true;
      this.#connection?.resume(this);
      return;
    }
    if (left) {
      this.#context.upstream.cancel(this);
      this.#connection?.abandon(this);
      this.#connection = undefined;
    } else if (this.#connection !== undefined && !this.#request.complete) {
      this.#abandonWithClient(this.#connection);
    }
    this.#finish(!left);
  };

  /**
   * Whether Clowder has received all of a request that may change something: it will act whether or not anyone waits for the
   * answer.
   */
  #isChangeUnderWay(): boolean {
    const { mark } = this.#observation;
    const sent = this.#connection !== undefined && (this.#body === undefined || this.#body.done);
    return mark !== undefined && sent && this.#error === undefined && !SAFE.has(this.#request.method ?? '');
  }

  /** The answer finished before the request, which ends no later than its connection. */
  #abandonWithClient(connection: LentConnection): void {
    const request = this.#request;
    const { socket } = request;
    const abandon = (): void => connection.abandon(this);
    socket.once('close', abandon);
    // Both events occur if the request ends normally, and the socket may carry many more requests.
    request.once('end', () => socket.off('close', abandon));
  }

  #finish(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.places.leave(this.#observation.clientAddress, this);
    this.#observation.end({ complete, error: this.#error?.code === 'client_timeout' ? undefined : this.#error });
    this.#context.report.finished();
  }
}

/** Methods that request no change (RFC 9110, section 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

const NO_RULES = { mark: undefined, close: false, trailers: false, via: undefined };

function ignore(): void {
  // The same error closes the response, and the close is handled.
}
