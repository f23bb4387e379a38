import type { Context } from 'hono';
import { errorText } from '../../runtime/error-text.ts';
import { fromCloudEvent } from '../../taxonomy/cloud-events.ts';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import { cut } from '../../taxonomy/text.ts';
import { CollectorError, type ErrorCode } from '../errors.ts';
import { readBody, type BodyLimits } from '../otlp/body.ts';
import type { ByteBudget, ByteLease } from '../otlp/byte-budget.ts';

/** Events that one request may contain. */
const BATCH_MAX = 1000;
const BODY_MAX = 4 * 1024 * 1024;
/** Time in which the whole body must arrive. */
const BODY_MS = 60_000;

/** An event as received, or why its CloudEvents envelope is invalid. */
export type Posted = { readonly value: unknown } | { readonly issues: readonly EventIssue[] };

/** Error codes that reading JSON may throw. */
export const JSON_ERRORS = [
  'invalid_json',
  'invalid_body',
  'body_too_large',
  'batch_too_large',
  'body_too_slow',
  'unsupported_encoding',
  'busy',
] as const satisfies readonly ErrorCode[];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Values in one body. A body with more is not a batch of events, and would take long to parse. */
const VALUES_MAX = 100_000;
/** From this size on, values are counted before parsing. */
const LARGE_BYTES = 64 * 1024;

/** The body, parsed as JSON. @throws CollectorError invalid_json, and as readBody does */
export async function readJson(c: Context, limits: BodyLimits): Promise<unknown> {
  const body = await readBody(c, limits);
  if (body.byteLength > LARGE_BYTES) refuseMany(body);
  try {
    return JSON.parse(utf8.decode(body));
  } catch (error) {
    if (error instanceof TypeError) throw new CollectorError('invalid_json', 'The body is not valid UTF-8');
    throw new CollectorError('invalid_json', `The body is not valid JSON: ${errorText(error)}`);
  }
}

/**
 * The body of a request whose Content-Type is JSON, within the budget. Another site cannot send JSON without a CORS
 * preflight.
 *
 * @throws CollectorError unsupported_media_type, and as readJson does
 */
export async function readJsonWithin(c: Context, budget: ByteBudget, maxBytes = BODY_MAX): Promise<unknown> {
  requireJson(c);
  const lease = budget.lease();
  try {
    return await readJson(c, { maxBytes, lease });
  } finally {
    lease.end();
  }
}

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, OPEN_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/** Counts commas and opening brackets outside strings: a few milliseconds for the largest body. */
function refuseMany(body: Uint8Array): void {
  let values = 0;
  let inString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === OPEN_ARRAY || byte === OPEN_OBJECT) values += 1;
  }
  if (values > VALUES_MAX)
    throw new CollectorError('batch_too_large', `The body has more than ${VALUES_MAX} values: send less at once`);
}

const mediaTypeOf = (c: Context): string => c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** @throws CollectorError unsupported_media_type if the Content-Type is not JSON */
function requireJson(c: Context): void {
  const type = mediaTypeOf(c);
  if (type !== 'application/json')
    throw new CollectorError(
      'unsupported_media_type',
      `Content-Type was ${cut(type, 100) || 'absent'}: send application/json`,
    );
}

/**
 * The events of a request: one object, an array, or CloudEvents.
 *
 * @throws CollectorError unsupported_media_type, batch_too_large, and as readJson does
 */
export async function readEvents(c: Context, lease: ByteLease): Promise<readonly Posted[]> {
  const type = mediaTypeOf(c);
  const isCloudEvent = type === 'application/cloudevents+json' || type === 'application/cloudevents-batch+json';
  if (type !== 'application/json' && !isCloudEvent) {
    throw new CollectorError(
      'unsupported_media_type',
      `Content-Type was ${cut(type, 100) || 'absent'}: send application/json, application/cloudevents+json or application/cloudevents-batch+json`,
    );
  }
  const parsed = await readJson(c, { maxBytes: BODY_MAX, totalMs: BODY_MS, lease });
  const events: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (events.length > BATCH_MAX)
    throw new CollectorError(
      'batch_too_large',
      `The batch has ${events.length} events: send at most ${BATCH_MAX} at once`,
    );
  if (!isCloudEvent) return events.map((value) => ({ value }));
  return events.map((value) => {
    const converted = fromCloudEvent(value);
    return converted.ok ? { value: converted.event } : { issues: converted.issues };
  });
}
