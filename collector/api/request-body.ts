import type { Context } from 'hono';
import { fromCloudEvent } from '../../taxonomy/cloud-events.ts';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import { BodyError, readBody, type ByteBudget } from '../otlp/body.ts';

/** Events that one request may bring. */
const BATCH_MAX = 1000;
const BODY_MAX = 4 * 1024 * 1024;

/** Why a request is not looked at any further; `code` is stable. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: 400 | 413 | 415 | 503;
  readonly code: string;

  constructor(status: 400 | 413 | 415 | 503, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** An event of a request as it came, or why its envelope is none. */
export type Posted = { readonly value: unknown } | { readonly issues: readonly EventIssue[] };

const BODY_CODES = { 400: 'invalid_body', 413: 'body_too_large', 415: 'unsupported_encoding', 503: 'busy' } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as text. @throws RequestError */
export async function readText(c: Context, budget: ByteBudget): Promise<string> {
  const lease = budget.lease();
  try {
    return utf8.decode(await readBody(c, BODY_MAX, lease));
  } catch (error) {
    if (error instanceof BodyError) throw new RequestError(error.status, BODY_CODES[error.status], error.message);
    if (error instanceof TypeError) throw new RequestError(400, 'invalid_json', 'The body is not valid UTF-8');
    throw error;
  } finally {
    lease.end();
  }
}

/**
 * The events of a request: one object, an array, or CloudEvents.
 *
 * @throws RequestError
 */
export async function readEvents(c: Context, budget: ByteBudget): Promise<readonly Posted[]> {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isCloudEvent = type === 'application/cloudevents+json' || type === 'application/cloudevents-batch+json';
  if (type !== 'application/json' && !isCloudEvent) {
    throw new RequestError(
      415,
      'unsupported_media_type',
      `Content-Type was ${type || 'absent'}: send application/json, application/cloudevents+json or application/cloudevents-batch+json`,
    );
  }
  const text = await readText(c, budget);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new RequestError(
      400,
      'invalid_json',
      `The body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const events: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (events.length > BATCH_MAX)
    throw new RequestError(
      413,
      'batch_too_large',
      `The batch has ${events.length} events: send at most ${BATCH_MAX} at once`,
    );
  if (!isCloudEvent) return events.map((value) => ({ value }));
  return events.map((value) => {
    const converted = fromCloudEvent(value);
    return converted.ok ? { value: converted.event } : { issues: converted.issues };
  });
}
