import type { SendOutcome } from './outcome.ts';
import { retryAfterMs } from './retry-after.ts';
import { meaningOf } from './status.ts';

/** A request to a service, and how to interpret its answer. */
export interface PostOptions {
  /** @default POST */
  readonly method?: 'POST' | 'PUT';
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /**
   * Keys and tokens of the request: some services repeat them in their answer. They are blanked in everything derived
   * from it.
   */
  readonly secrets?: readonly string[];
}

export interface PostAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** The first 64 KiB of the body. */
  readonly text: string;
  /** The same bytes, for answers that are not text. */
  readonly bytes: Uint8Array;
  /** What the status alone means. */
  readonly outcome: SendOutcome;
}

const BODY_KEPT_BYTES = 65_536;
const REASON_LENGTH = 500;

/**
 * Posts, reads the whole answer, and says what its status means.
 *
 * @throws Error of the network or the signal: it is then unknown whether the service took the body
 */
export async function post({
  method = 'POST',
  url,
  headers,
  body,
  signal,
  now,
  secrets = [],
}: PostOptions): Promise<PostAnswer> {
  const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
  const bytes = await readBytes(response);
  const text = withoutSecrets(bytes.toString('utf8'), secrets);
  const header = (name: string): string | null => response.headers.get(name);
  return { status: response.status, header, text, bytes, outcome: outcomeOf(response.status, text, header, now) };
}

/** The text with every secret in it, as it is and as it stands in a URL, replaced by `REDACTED`. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => (secret === '' ? [] : [secret, encodeURIComponent(secret)]))
    .reduce((rest, secret) => rest.replaceAll(secret, 'REDACTED'), text);
}

function outcomeOf(
  status: number,
  text: string,
  header: (name: string) => string | null,
  now: () => number,
): SendOutcome {
  const kind = meaningOf(status);
  if (kind === 'accepted') return { kind };
  const reason = `HTTP ${status}${text === '' ? '' : `: ${text.slice(0, REASON_LENGTH)}`}`;
  if (kind !== 'retry') return { kind, reason };
  const afterMs = retryAfterMs(header('retry-after'), now());
  return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
}

async function readBytes(response: Response): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for await (const chunk of response.body) {
    if (kept >= BODY_KEPT_BYTES) continue;
    chunks.push(chunk.subarray(0, BODY_KEPT_BYTES - kept));
    kept += chunk.length;
  }
  return Buffer.concat(chunks);
}
