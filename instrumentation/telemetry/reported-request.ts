import type { Context, Counter } from '@opentelemetry/api';
import { CAPTURED, REFUTED_IDS, REFUTED_NAME } from '../../taxonomy/attributes.ts';
import type { Capture, CapturedAttributes, CapturedEvent } from '../capture/types.ts';
import type { Enricher } from '../enrichment/types.ts';
import { EVENT_PREFIX, hasFailed } from './request-report.ts';
import type { ForwardHeaders, Outcome, ServerRequest } from './server-request.ts';

/** What all requests of one server share. */
export interface Reporting {
  /** Counts failed captures, by `error.type`. */
  readonly errors: Counter;
  /** Called with errors of the telemetry itself; they are never thrown into the request. */
  readonly onError: (error: unknown) => void;
  /** Adds to events before they are sent. @default nothing is added */
  readonly enricher?: Enricher | undefined;
}

/** A request whose end is reported once. Subclasses record events and span. */
export abstract class ReportedRequest implements ServerRequest {
  abstract readonly traceId: string;
  abstract readonly requestId: string;
  abstract readonly context: Context;
  protected readonly capture: Capture;
  /** When the request arrived, Unix milliseconds: the time of its events. */
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

  /** Sends each event once even if the enricher fails; the span does not wait for it. */
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

  /** Records a log record with this name, in the context of the span, at the time the request arrived. */
  protected abstract emit(eventName: string, attributes: CapturedAttributes): void;
  /** Adds the attributes of the request's end to the span. */
  protected abstract recordSpan(attributes: CapturedAttributes, failed: boolean): void;
  /** Called last, even if the report failed. */
  protected endSpan(): void {}
}

function isSuccess(attributes: CapturedAttributes): boolean {
  const status = Number(attributes['http.response.status_code']);
  return status >= 200 && status < 400;
}
