import { REFUTED_IDS, REFUTED_NAME, UNPARSED_NAME, attribute, numberAttribute, textAttribute } from './attributes.ts';
import { isSource } from './check-draft.ts';
import {
  NOTHING,
  NOT_BELIEVED,
  serviceOf,
  type Candidate,
  type Denial,
  type MapResult,
  type Rejection,
} from './map/candidate.ts';
import type { MapContext } from './map/context.ts';
import { isExplicitName, mapExplicit, mapSpanEvent } from './map/explicit-event.ts';
import { mapRequest } from './map/observed-request.ts';
import { SPAN_KIND_SERVER, type LogRecord, type SpanRecord } from './telemetry.ts';

/** Returns the events of a span: those that its span events state and, for a server span, those of its HTTP request. */
export function mapSpan(span: SpanRecord, context: MapContext): MapResult {
  const found: Found = { candidates: [], rejected: [], warnings: [], denied: [] };
  for (const event of span.events) {
    if (isExplicitName(event.name)) collect(mapSpanEvent(event, span, context), found);
  }
  if (span.kind === SPAN_KIND_SERVER) {
    const source = textAttribute(span.attributes, 'clowder.source');
    collect(
      mapRequest(
        {
          attributes: span.attributes,
          resource: span.resource,
          traceId: span.traceId,
          spanId: span.spanId,
          traceState: span.traceState,
          startTimeUnixNano: span.startTimeUnixNano,
          durationMs:
            span.endTimeUnixNano > 0n ? Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6 : undefined,
          source: isSource(source) ? source : 'sdk',
        },
        context,
      ),
      found,
    );
  }
  const { candidates, rejected, warnings, denied } = found;
  return { candidates, rejected, ...(warnings.length > 0 && { warnings }), ...(denied.length > 0 && { denied }) };
}

/** Returns the events of a log record: the one it states, or those of the request in an access log record. */
export function mapLog(log: LogRecord, context: MapContext): MapResult {
  if (log.eventName === REFUTED_NAME) {
    if (!context.believesCaptures) return { ...NOTHING, warnings: [NOT_BELIEVED] };
    return refutation(textAttribute(log.attributes, REFUTED_IDS)?.split(',') ?? []);
  }
  if (log.eventName === UNPARSED_NAME) return { ...NOTHING, rejected: [unparsed(log)] };
  if (isExplicitName(log.eventName)) {
    return mapExplicit(
      {
        name: log.eventName,
        timeUnixNano: log.timeUnixNano || log.observedTimeUnixNano,
        attributes: log.attributes,
        resource: log.resource,
        traceId: log.traceId,
        spanId: log.spanId,
        body: log.body,
      },
      context,
    );
  }
  if (attribute(log.attributes, 'http.request.method') === undefined) return NOTHING;
  const durationS = durationOf(log);
  const end = log.timeUnixNano || log.observedTimeUnixNano;
  return mapRequest(
    {
      attributes: log.attributes,
      resource: log.resource,
      traceId: log.traceId,
      spanId: log.spanId,
      traceState: '',
      // An access log entry is written when the request ends.
      startTimeUnixNano: durationS === undefined ? end : end - BigInt(Math.round(durationS * 1e3)) * 1_000_000n,
      durationMs: durationS === undefined ? undefined : durationS * 1e3,
      source: 'nginx',
    },
    context,
  );
}

/** Returns seconds; undefined if the record has no duration, or an impossible one. */
function durationOf({ attributes }: LogRecord): number | undefined {
  const seconds = numberAttribute(attributes, 'http.server.request.duration');
  return seconds !== undefined && seconds >= 0 && seconds <= LONGEST_REQUEST_S ? seconds : undefined;
}

/** A year; a longer duration is an error. */
const LONGEST_REQUEST_S = 366 * 86_400;

function collect(result: MapResult, into: Found): void {
  into.candidates.push(...result.candidates);
  into.rejected.push(...result.rejected);
  into.warnings.push(...(result.warnings ?? []));
  into.denied.push(...(result.denied ?? []));
}

interface Found {
  readonly denied: Denial[];
  readonly candidates: Candidate[];
  readonly rejected: Rejection[];
  readonly warnings: string[];
}

/** A request has few events, so a capture refutes few. */
const REFUTED_MAX = 1000;

function refutation(ids: readonly string[]): MapResult {
  if (ids.length > REFUTED_MAX)
    return {
      ...NOTHING,
      rejected: [
        {
          code: 'invalid_record',
          message: `${REFUTED_IDS} has ${ids.length} ids, may have at most ${REFUTED_MAX}`,
          record: {},
        },
      ],
    };
  return { ...NOTHING, refuted: ids.filter((id) => /^[0-9a-f]{32}$/.test(id)) };
}

/** Reports a log line that could not be parsed, in full and with its position, to an operator. */
function unparsed({ attributes, body, resource }: LogRecord): Rejection {
  const file = textAttribute(attributes, 'log.file.path') ?? textAttribute(attributes, 'log.file.name') ?? 'a log';
  const offset = textAttribute(attributes, 'log.file.record_offset');
  const place = offset === undefined ? file : `${file}, at byte ${offset},`;
  return {
    code: 'unparsed_line',
    message: `A line of ${place} does not have the format that it is read as: set the log_format of docs/nginx.md`,
    service: serviceOf(resource),
    record: { line: body, 'log.file.path': file, 'log.file.record_offset': offset },
  };
}
