import { SpanKind, SpanStatusCode, context, trace, type Context, type Span } from '@opentelemetry/api';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { redactExtractorName, redactText } from '../../taxonomy/redaction.ts';
import { SCOPE_NAME, emitEvent, tell } from './emit-event.ts';
import type { EventProperties } from './properties.ts';
import { stateEvent } from './statement.ts';

/** Identifies the job in all of its events and on its span. */
interface Job extends Pick<
  EventProperties<'extraction.working'>,
  'jobId' | 'userId' | 'userName' | 'authorId' | 'authorName' | 'resourceName' | 'clowderInstance'
> {
  /** The extractor's name in Clowder: `ncsa.wordcount`. */
  readonly extractor: string;
  readonly version?: string | undefined;
  /** Whether to send `extraction.queued` first. @default false */
  readonly queued?: boolean | undefined;
}

/** What is analysed: a file or a dataset. */
type Subject =
  | { readonly fileId: string; readonly datasetId?: string | undefined }
  | { readonly fileId?: undefined; readonly datasetId: string };

export type ExtractionOptions = Job & Subject;

/**
 * A running extraction. Each function sends its event at once and returns the event's id; '' if the extraction is already over.
 */
export interface Extraction {
  /** Sends `extraction.queued`; also for code that only submits the job. */
  readonly queued: (message?: string) => string;
  /** Sends `extraction.working`: progress, as often as there is any. */
  readonly working: (message?: string) => string;
  /** Sends `extraction.done` with a message; otherwise it is sent without one when the work ends. */
  readonly done: (message?: string) => string;
  /** Sends `extraction.failed`, for a failure that is not thrown. */
  readonly failed: (reason: unknown) => string;
  readonly span: Span;
}

/**
 * Runs an extraction as a span `extract <extractor>` and reports its progress: `extraction.queued` if asked for,
 * `extraction.working` for each call, and at the end `extraction.done`, or `extraction.failed` with the error's message. The
 * last two carry `duration_ms`. Each event is sent when it happens, so a process that dies has sent its earlier ones.
 *
 * The span's kind is CONSUMER, because the requester does not wait for the outcome (OTel trace specification, "SpanKind"). It
 * has no `messaging.*` attributes: code that takes the job from a broker may have its own span, with this one as its child.
 *
 * @returns what the work returns
 * @throws what the work throws, unchanged
 * @example
 * await withExtraction({ extractor: 'ncsa.tiles', version: '2.1', fileId, jobId }, async (x) => {
 *   x.working('tiling');
 *   await tile(fileId);
 * });
 */
export async function withExtraction<T>(
  { queued = false, ...job }: ExtractionOptions,
  work: (extraction: Extraction) => T | Promise<T>,
): Promise<T> {
  const { extraction, within, end } = startExtraction(job);
  if (queued) extraction.queued();
  try {
    const result = await context.with(within, () => work(extraction));
    end();
    return result;
  } catch (error) {
    end({ thrown: error });
    throw error;
  }
}

type Stage = 'queued' | 'working' | 'done' | 'failed';

function startExtraction({ extractor, version, ...about }: Omit<Job, 'queued'> & Subject): {
  readonly extraction: Extraction;
  readonly within: Context;
  readonly end: (failure?: { readonly thrown: unknown }) => void;
} {
  const startedMs = performance.now();
  const job = { ...about, extractorName: extractor, extractorVersion: version };
  const span = trace.getTracer(SCOPE_NAME).startSpan(`extract ${redactExtractorName(textOf(extractor))}`, {
    kind: SpanKind.CONSUMER,
    attributes: spanAttributes(job),
  });
  const within = trace.setSpan(context.active(), span);
  let outcome: 'done' | 'failed' | undefined;

  function send(stage: Stage, message?: string): string {
    // A job may still fail after it was reported as done; no other event may follow the end.
    if (outcome !== undefined && !(outcome === 'done' && stage === 'failed')) {
      tell(`extraction.${stage} of ${span.spanContext().traceId} is not sent: the extraction is already ${outcome}`);
      return '';
    }
    const isEnd = stage === 'done' || stage === 'failed';
    if (isEnd) outcome = stage;
    const durationMs = isEnd ? Math.round(performance.now() - startedMs) : undefined;
    // No `clowder.` prefix: such a span event would report the event a second time when the span ends.
    span.addEvent(
      `extraction.${stage}`,
      message === undefined ? {} : { [ATTRIBUTE_OF_FIELD.message]: redactText(textOf(message)) },
    );
    return emitEvent(`extraction.${stage}`, { ...job, message, durationMs }, within);
  }

  function fail(reason: unknown): string {
    if (outcome !== 'failed') record(reason, span);
    return send('failed', textOf(reason));
  }

  const extraction: Extraction = {
    queued: (message) => send('queued', message),
    working: (message) => send('working', message),
    done: (message) => send('done', message),
    failed: fail,
    span,
  };
  const end = (failure?: { readonly thrown: unknown }): void => {
    if (failure !== undefined && outcome !== 'failed') fail(failure.thrown);
    else if (outcome === undefined) send('done');
    span.end();
  };
  return { extraction, within, end };
}

/** The job as attributes of its span, named as in its events. */
function spanAttributes(job: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> {
  const { attributes } = stateEvent('extraction.working', job, { eventId: '', at: new Date(0) });
  delete attributes[ATTRIBUTE_OF_FIELD.event_id];
  return attributes;
}

/** Records the failure on the span: as an exception, as the status, and as `error.type` (OTel semantic conventions). */
function record(reason: unknown, span: Span): void {
  const message = redactText(textOf(reason));
  const name = reason instanceof Error ? reason.name : 'Error';
  const stack = reason instanceof Error && reason.stack !== undefined ? redactText(reason.stack) : undefined;
  span.recordException({ name, message, ...(stack !== undefined && { stack }) });
  span.setAttribute('error.type', name);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Any JavaScript value as text. Never throws: reporting must not break the work. */
function textOf(told: unknown): string {
  if (told instanceof Error) return told.message === '' ? told.name : told.message;
  try {
    return String(told);
  } catch {
    return 'what cannot be told as text';
  }
}
