import { trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { LOG_LEVELS } from './config/values.ts';

export type { Logger };
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A program of ours, as its log and its telemetry (`service.name`) name it. */
type ProgramName = `clowder-otel-${'collector' | 'proxy' | 'monitor' | 'sink' | 'usage'}`;

const STDERR = 2;

/**
 * The log of a program: a JSON line each, with the program's name, and with the ids of trace and span where a span is
 * active. Fields of the same names that a line brings win.
 *
 * @param to where its lines go. @default standard output
 */
export function createLog(program: ProgramName, level: LogLevel, to?: DestinationStream | 'stderr'): Logger {
  const stream = to === 'stderr' ? pino.destination(STDERR) : (to ?? pino.destination());
  return pino({ level, base: { service: program }, mixin: traceIds }, stream);
}

function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
