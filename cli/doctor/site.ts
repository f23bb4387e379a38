import type { Settings } from '../../collector/config.ts';
import { errorText } from '../../runtime/error-text.ts';

/** What the doctor checks, and how it sends requests. */
export interface Site {
  readonly settings: Settings;
  /** RabbitMQ's management API; undefined if AMQP_URL does not show where it is. */
  readonly management: URL | undefined;
  /** The proxy's health listener. */
  readonly proxy: URL | undefined;
  /** A sender's key to try. */
  readonly key: string | undefined;
  readonly now: () => number;
  readonly ask: Ask;
}

/** Result of an HTTP request. */
export type Answer =
  | {
      readonly status: number;
      readonly body: unknown;
      /** The other side's time from its `Date` header, in Unix milliseconds; undefined without that header. */
      readonly dateMs: number | undefined;
    }
  | { readonly problem: string };

export type Ask = (url: URL, options?: RequestInit) => Promise<Answer>;

const WAIT_MS = 5000;

/** Never throws: no answer is a result too. */
export const askOverHttp: Ask = async (url, options = {}) => {
  try {
    const response = await fetch(url, { ...options, signal: AbortSignal.timeout(WAIT_MS), redirect: 'manual' });
    const date = Date.parse(response.headers.get('date') ?? '');
    const text = await response.text();
    return { status: response.status, body: jsonOf(text), dateMs: Number.isNaN(date) ? undefined : date };
  } catch (error) {
    return { problem: errorText(error) };
  }
};

/** The text itself if it is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The broker's management API, with user and password. @param given its address. @default port 15672 of the broker's host */
export function managementUrl(amqpUrl: string, given?: URL): URL | undefined {
  if (!URL.canParse(amqpUrl)) return given;
  const { hostname, username, password } = new URL(amqpUrl);
  const url = new URL(given ?? `http://${hostname}:15672`);
  if (url.username !== '') return url;
  url.username = username === '' ? 'guest' : username;
  url.password = password === '' ? 'guest' : password;
  return url;
}
