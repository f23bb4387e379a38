import type { AnyValue } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { redactQuery, redactText, redactUrl } from '../../taxonomy/redaction.ts';

/** Attributes that may contain a key, a token or a presigned URL, with the function that redacts each. */
const REDACTION = new Map<string, (value: string) => string>([
  ['url.query', redactQuery],
  ['url.full', redactUrl],
  ['url.path', redactUrl],
  ['http.url', redactUrl],
  ['http.target', redactUrl],
  ['http.request.header.referer', redactUrl],
  ['http.response.header.location', redactUrl],
]);

/** Headers to hide even if an operator has them recorded; dashes are underscores in older semantic conventions. */
const SECRET_HEADER =
  /^http\.(?:request|response)\.header\.(?:(?:proxy[-_])?authorization|(?:set[-_])?cookie|x[-_]api[-_]key|x[-_](?:auth|csrf|amz[-_]security)[-_]token)$/;

/**
 * Removes secrets from every span before export: stock instrumentations record `?key=…` unchanged. Place it before the
 * processors that export.
 */
export class RedactingSpanProcessor implements SpanProcessor {
  onStart(): void {}

  onEnding(span: Span): void {
    for (const name in span.attributes) {
      const value = span.attributes[name];
      const redact = REDACTION.get(name);
      if (redact !== undefined) {
        const redacted = redactValue(value, redact);
        if (redacted !== value) span.setAttribute(name, redacted);
      } else if (name.startsWith('http.re') && SECRET_HEADER.test(name)) {
        span.setAttribute(name, 'REDACTED');
      }
    }
    const { status, events } = span;
    if (status.message !== undefined) span.setStatus({ code: status.code, message: redactText(status.message) });
    for (const { attributes } of events) {
      if (attributes === undefined) continue;
      for (const name of ['exception.message', 'exception.stacktrace']) {
        const value = attributes[name];
        if (typeof value === 'string') attributes[name] = redactText(value);
      }
    }
  }

  onEnd(_span: ReadableSpan): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function redactValue(value: AnyValue, redact: (value: string) => string): AnyValue {
  if (typeof value === 'string') return redact(value);
  if (!Array.isArray(value)) return value;
  return value.map((item) => (typeof item === 'string' ? redact(item) : String(item)));
}
