import { styleText } from 'node:util';
import { trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { LOG_FORMATS, LOG_LEVELS } from './config/values.ts';
import { safeLines } from './unsafe-text.ts';

export type { Logger };
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** One of our programs, as its log and telemetry (`service.name`) name it. */
type ProgramName = `clowder-otel-${'collector' | 'proxy' | 'monitor' | 'sink' | 'usage'}`;

export interface LogSettings {
  readonly level: LogLevel;
  /** The format of its lines; `auto`: for people on a terminal, JSON elsewhere. */
  readonly format: LogFormat;
}

const STREAMS = { stdout: process.stdout, stderr: process.stderr } as const;

/**
 * A program's log: JSON lines with the program's name, and with the ids of trace and span if a span is active; or lines
 * for people. A line's own fields of the same names win.
 *
 * @param to where its lines go
 */
export async function createLog(
  program: ProgramName,
  { level, format }: LogSettings,
  to: DestinationStream | keyof typeof STREAMS = 'stdout',
): Promise<Logger> {
  const destination = typeof to === 'string' ? pino.destination(STREAMS[to].fd) : to;
  const stream = typeof to === 'string' ? STREAMS[to] : undefined;
  const isForPeople = format === 'pretty' || (format === 'auto' && stream?.isTTY === true);
  const lines = isForPeople ? await forPeople(destination, stream) : destination;
  return pino({ level, base: { service: program }, mixin: traceIds }, lines);
}

/** Loaded on demand: most logs are read by programs. */
async function forPeople(
  destination: DestinationStream,
  stream: NodeJS.WriteStream | undefined,
): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const prettify = prettyFactory({
    colorize: stream !== undefined && hasColours(stream),
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss',
    ignore: 'service',
    singleLine: true,
  });
  return { write: (line) => destination.write(prettify(JSON.parse(line, safeValue) as object)) };
}

/** Text from outside must not move the cursor. */
function safeValue(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? safeLines(value) : value;
}

/** Colours on a terminal unless NO_COLOR is set, and elsewhere if FORCE_COLOR is. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x';
}

function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
