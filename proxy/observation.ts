import type { Capture, RequestHead } from '../instrumentation/capture/types.ts';
import type {
  ForwardHeaders,
  Outcome,
  ServerRequest,
  ServerTelemetry,
} from '../instrumentation/telemetry/server-request.ts';

export interface Observer {
  readonly telemetry: Pick<ServerTelemetry, 'start'>;
  readonly startCapture: (head: RequestHead) => Capture;
  /** Called with errors of capture or telemetry; the request goes on without them. */
  readonly onError: (error: unknown) => void;
}

const NO_HEADERS: ForwardHeaders = { traceparent: undefined, tracestate: undefined };

/** Observes one request. Never throws: a capture that throws is not called again. */
export class Observation {
  readonly #observer: Observer;
  #capture: Capture | undefined;
  #request: ServerRequest | undefined;
  #mark: string | undefined;
  #clientAddress: string | undefined;

  constructor(observer: Observer, head: RequestHead) {
    this.#observer = observer;
    this.#clientAddress = head.remoteAddress;
    try {
      const capture = observer.startCapture(head);
      const told = capture.attributes['client.address'];
      if (typeof told === 'string') this.#clientAddress = told;
      this.#request = observer.telemetry.start(head, capture);
      this.#capture = capture;
      if (capture.mayBeEvent && this.#request.requestId !== '') this.#mark = this.#request.requestId;
    } catch (error) {
      observer.onError(error);
    }
  }

  /**
   * The id that marks the request and its answer as captured; undefined if they are not. It remains if the capture fails later,
   * so that the request's other observations still belong together.
   */
  get mark(): string | undefined {
    return this.#mark;
  }

  /** The client: the peer, or the address that a trusted proxy names. */
  get clientAddress(): string | undefined {
    return this.#clientAddress;
  }

  /** 32 hex digits; '' if there is no trace. */
  get traceId(): string {
    return this.#request?.traceId ?? '';
  }

  forwardHeaders(): ForwardHeaders {
    try {
      return this.#request?.forwardHeaders() ?? NO_HEADERS;
    } catch (error) {
      this.#observer.onError(error);
      return NO_HEADERS;
    }
  }

  requestChunk(chunk: Uint8Array): void {
    try {
      this.#capture?.requestChunk(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  responseHead(status: number, header: (name: string) => string | undefined): void {
    try {
      this.#capture?.responseHead(status, header);
    } catch (error) {
      this.#fail(error);
    }
  }

  responseChunk(chunk: Uint8Array): void {
    try {
      this.#capture?.responseChunk(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  end(outcome: Outcome): void {
    try {
      this.#request?.end(outcome);
    } catch (error) {
      this.#observer.onError(error);
    }
  }

  #fail(error: unknown): void {
    this.#capture = undefined;
    this.#observer.onError(error);
  }
}
