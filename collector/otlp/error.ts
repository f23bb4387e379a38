import type { Context } from 'hono';
import type { CollectorError } from '../errors.ts';
import { CONTENT_TYPES, retryAfterOf, rpcCode, statusBody, type Encoding } from './responses.ts';

/**
 * An error in OTLP's form: google.rpc.Status in the encoding of the request, or in JSON if that is unknown
 * (opentelemetry-proto specification, "OTLP/HTTP Response").
 */
export function otlpError(c: Context, error: CollectorError): Response {
  const encoding = encodingOf(c) ?? 'json';
  const retryAfterS = retryAfterOf(error);
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS));
  return c.body(statusBody(encoding, rpcCode(error), error.message), error.status, {
    'content-type': CONTENT_TYPES[encoding],
  });
}

/** @returns undefined if the Content-Type is not one of OTLP's */
export function encodingOf(c: Context): Encoding | undefined {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === CONTENT_TYPES.json) return 'json';
  return type === CONTENT_TYPES.protobuf || type === 'application/protobuf' ? 'protobuf' : undefined;
}
