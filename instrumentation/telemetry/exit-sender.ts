/**
 * A separate process that sends the domain events of a program that is ending. It reads them from standard input, as
 * `send-at-exit.ts` writes them, sends them as OTEL_EXPORTER_OTLP_* says, and exits with 0 once they are accepted.
 */
import { ExportResultCode } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { json } from 'node:stream/consumers';
import { logExportersFromEnv } from './exporters.ts';
import type { LastEvents } from './last-events.ts';

const { resource: attributes, records } = (await json(process.stdin)) as LastEvents;
const resource = resourceFromAttributes(attributes);
const [exporter] = logExportersFromEnv(() => undefined);
exporter?.export(
  records.map((record) => Object.assign(record, { resource })),
  ({ code }) => process.exit(code === ExportResultCode.SUCCESS ? 0 : 1),
);
