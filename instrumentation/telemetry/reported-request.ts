import type { Context, Counter } from '@opentelemetry/api';
import { CAPTURED, REFUTED_IDS, REFUTED_NAME } from '../../taxonomy/attributes.ts';
import type { Capture, CapturedAttributes, CapturedEvent } from '../capture/types.ts';
import type { Enricher } from '../enrichment/types.ts';
import { EVENT_PREFIX, hasFailed } from './request-report.ts';
import type { ForwardHeaders, Outcome, ServerRequest } from './server-request.ts';

/** What the requests of one server have in common. */
export interface Reporting {
  /** Counts looks that failed, by `error.type`. */
  readonly errors: Counter;
  /** Told what went wrong in telemetry itself; nothing is ever thrown into the request. */
  readonly onError: (error: unknown) => void;
  /** Adds to events before they leave. @default nothing is added */
  readonly enricher?: Enricher | undefined;
}

/** One request whose end is reported once; how events and the span are recorded is the subclass's. */
export abstract class ReportedRequest implements ServerRequest {
  abstract readonly traceId: string;
  abstract readonly requestId: string;
  abstract readonly context: Context;
  protected readonly capture: Capture;
  /** When the request came, Unix milliseconds: the time of its events. */
  protected readonly startMs: number;
  readonly #reporting: Reporting;
  #ended = false;

  constructor(reporting: Reporting, capture: Capture, startMs: number) {
    this.#reporting = reporting;
    this.capture = capture;
    this.startMs = startMs;
  }

  abstract forwardHeaders(): ForwardHeaders;

  end(outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      this.#report(outcome);
    } catch (error) {
      this.#reporting.onError(error);
    }
    this.endSpan();
  }

  #report({ complete, error }: Outcome): void {
    const { attributes, events, refuted, errors } = this.capture.end(complete, this.traceId, this.requestId);
    const { enricher } = this.#reporting;
    if (enricher !== undefined) this.#enrich(enricher, attributes, events);
    else for (const event of events) this.emit(EVENT_PREFIX + event.type, event.attributes);
    if (refuted.length > 0) {
      this.emit(REFUTED_NAME, { [REFUTED_IDS]: refuted.join(','), [CAPTURED]: true });
    }
    for (const code of errors) this.#reporting.errors.add(1, { 'error.type': code });
    const failed = hasFailed(attributes, error);
    this.recordSpan(attributes, failed);
  }

  /** Whatever becomes of the enricher, each event leaves once, and the span is not waited with. */
  #enrich(enricher: Enricher, attributes: CapturedAttributes, events: readonly CapturedEvent[]): void {
    const { onError } = this.#reporting;
    const { head } = this.capture;
    let left = false;
    const leave = (all: readonly CapturedEvent[]): void => {
      if (left) return;
      left = true;
      try {
        for (const event of all) this.emit(EVENT_PREFIX + event.type, event.attributes);
      } catch (error) {
        onError(error);
      }
    };
    try {
      if (isSuccess(attributes)) Object.assign(attributes, enricher.spanAttributes(head, attributes));
      if (events.length > 0) enricher.enrich(head, events, leave);
    } catch (error) {
      onError(error);
      leave(events);
    }
  }

  /** A log record of this name, in the context of the span, at the time the request came. */
  protected abstract emit(eventName: string, attributes: CapturedAttributes): void;
  /** What the end of the request gives to the span. */
  protected abstract recordSpan(attributes: CapturedAttributes, failed: boolean): void;
  /** The very last, also where the report failed. */
  protected endSpan(): void {}
}

function isSuccess(attributes: CapturedAttributes): boolean {
  const status = Number(attributes['http.response.status_code']);
  return status >= 200 && status < 400;
}
