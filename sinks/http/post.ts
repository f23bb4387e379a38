import type { SendOutcome } from '../sink.ts';

/** A request to a service, and how its answer is to be understood. */
export interface PostOptions {
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export interface PostAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** The first 64 KiB of the body. */
  readonly text: string;
  /** What the status alone says: 2xx `accepted`; 408, 425, 429 and 5xx `retry`; 413 `too_large`; 401, 403 and 404 `misconfigured`; other `rejected`. */
  readonly outcome: SendOutcome;
}

const BODY_KEPT_BYTES = 65_536;
const REASON_LENGTH = 500;

/**
 * Posts, reads the answer to its end, and says what its status means.
 *
 * @throws Error of the network or the signal: whether the service took the body is unknown then
 */
export async function post({ url, headers, body, signal, now }: PostOptions): Promise<PostAnswer> {
  const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
  const text = await readText(response);
  const header = (name: string): string | null => response.headers.get(name);
  return { status: response.status, header, text, outcome: outcomeOf(response.status, text, header, now) };
}

function outcomeOf(
  status: number,
  text: string,
  header: (name: string) => string | null,
  now: () => number,
): SendOutcome {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const reason = `HTTP ${status}${text === '' ? '' : `: ${text.slice(0, REASON_LENGTH)}`}`;
  if (status === 413) return { kind: 'too_large', reason };
  if (status === 401 || status === 403 || status === 404 || (status >= 300 && status < 400))
    return { kind: 'misconfigured', reason };
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return { kind: 'rejected', reason };
  const afterMs = retryAfterMs(header('retry-after'), now());
  return afterMs === undefined ? { kind: 'retry', reason } : { kind: 'retry', reason, afterMs };
}

/** Milliseconds to wait by a Retry-After header, seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for await (const chunk of response.body) {
    if (kept >= BODY_KEPT_BYTES) continue;
    chunks.push(chunk.subarray(0, BODY_KEPT_BYTES - kept));
    kept += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}
