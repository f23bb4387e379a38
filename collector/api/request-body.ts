import type { Context } from 'hono';
import { fromCloudEvent } from '../../taxonomy/cloud-events.ts';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import { CollectorError, type ErrorCode } from '../errors.ts';
import { readBody } from '../otlp/body.ts';
import type { ByteBudget } from '../otlp/byte-budget.ts';

/** Events that one request may bring. */
const BATCH_MAX = 1000;
const BODY_MAX = 4 * 1024 * 1024;

/** An event of a request as it came, or why its envelope is none. */
export type Posted = { readonly value: unknown } | { readonly issues: readonly EventIssue[] };

/** Codes with which reading JSON may end. */
export const JSON_ERRORS = [
  'invalid_json',
  'invalid_body',
  'body_too_large',
  'body_too_slow',
  'unsupported_encoding',
  'busy',
] as const satisfies readonly ErrorCode[];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as text. @throws CollectorError invalid_json where it is not UTF-8, and as readBody does */
async function readText(c: Context, budget: ByteBudget): Promise<string> {
  const lease = budget.lease();
  try {
    return utf8.decode(await readBody(c, { maxBytes: BODY_MAX, lease }));
  } catch (error) {
    if (error instanceof TypeError) throw new CollectorError('invalid_json', 'The body is not valid UTF-8');
    throw error;
  } finally {
    lease.end();
  }
}

/** What the body says in JSON. @throws CollectorError invalid_json, and as readBody does */
export async function readJson(c: Context, budget: ByteBudget): Promise<unknown> {
  const text = await readText(c, budget);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CollectorError(
      'invalid_json',
      `The body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/**
 * The events of a request: one object, an array, or CloudEvents.
 *
 * @throws CollectorError unsupported_media_type, batch_too_large, and as readJson does
 */
export async function readEvents(c: Context, budget: ByteBudget): Promise<readonly Posted[]> {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isCloudEvent = type === 'application/cloudevents+json' || type === 'application/cloudevents-batch+json';
  if (type !== 'application/json' && !isCloudEvent) {
    throw new CollectorError(
      'unsupported_media_type',
      `Content-Type was ${type || 'absent'}: send application/json, application/cloudevents+json or application/cloudevents-batch+json`,
    );
  }
  const parsed = await readJson(c, budget);
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
