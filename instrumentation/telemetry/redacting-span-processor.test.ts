import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { RedactingSpanProcessor } from './redacting-span-processor.ts';

function ended(work: (tracer: ReturnType<TracerProvider['getTracer']>) => void): ReadableSpan {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    spanProcessors: [new RedactingSpanProcessor(), new SimpleSpanProcessor({ exporter })],
  });
  work(provider.getTracer('test'));
  const [span] = exporter.getFinishedSpans();
  if (span === undefined) throw new Error('no span ended');
  return span;
}

describe('an exported span', () => {
  test.each([
    ['url.query', 'key=CANARY&limit=5', 'key=REDACTED&limit=5'],
    ['url.full', 'http://u:CANARY@h/a?token=CANARY', 'http://h/a?token=REDACTED'],
    ['url.path', '/signup/CANARY', '/signup/REDACTED'],
    ['http.url', 'http://h/a?key=CANARY', 'http://h/a?key=REDACTED'],
    ['http.target', '/a?X-Amz-Signature=CANARY&b=1', '/a?X-Amz-Signature=REDACTED&b=1'],
    ['http.request.header.referer', ['http://h/files/links/CANARY'], ['http://h/files/links/REDACTED']],
    ['http.response.header.location', ['/a?code=CANARY'], ['/a?code=REDACTED']],
    ['http.request.header.authorization', ['Bearer CANARY'], 'REDACTED'],
    ['http.request.header.cookie', ['id=CANARY'], 'REDACTED'],
    ['http.response.header.set-cookie', ['id=CANARY'], 'REDACTED'],
    ['http.request.header.x-api-key', 'CANARY', 'REDACTED'],
    ['http.request.header.x_api_key', 'CANARY', 'REDACTED'],
    ['http.request.header.x-auth-token', ['CANARY'], 'REDACTED'],
    ['http.response.header.set_cookie', ['id=CANARY'], 'REDACTED'],
    ['url.query', 'limit=5&page=2', 'limit=5&page=2'],
    ['http.request.header.accept', ['text/html'], ['text/html']],
  ])('has %s %j as %j, whether set at the start or later', (name, value, redacted) => {
    const atStart = ended((tracer) => tracer.startSpan('GET', { attributes: { [name]: value } }).end());
    const later = ended((tracer) => tracer.startSpan('GET', { kind: SpanKind.CLIENT }).setAttribute(name, value).end());
    expect([atStart.attributes[name], later.attributes[name]]).toEqual([redacted, redacted]);
  });

  test('has no credential in its status or its exceptions', () => {
    const span = ended((tracer) => {
      const failing = tracer.startSpan('GET');
      failing.recordException(new Error('GET http://h/a?key=CANARY failed'));
      failing.setStatus({ code: SpanStatusCode.ERROR, message: 'token=CANARY is not valid' });
      failing.end();
    });
    expect(JSON.stringify([span.status, span.events])).not.toContain('CANARY');
    expect(span.events[0]?.attributes?.['exception.message']).toBe('GET http://h/a?key=REDACTED failed');
  });
});
