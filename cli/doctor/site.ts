import type { Settings } from '../../collector/config.ts';
import { errorText } from '../../runtime/error-text.ts';

/** What is looked at, and how others are asked. */
export interface Site {
  readonly settings: Settings;
  /** Where RabbitMQ's management API is; undefined if AMQP_URL does not tell. */
  readonly management: URL | undefined;
  /** The listener for health of the proxy. */
  readonly proxy: URL | undefined;
  /** A key that senders use, to be tried. */
  readonly key: string | undefined;
  readonly now: () => number;
  readonly ask: Ask;
}

/** What came of a question over HTTP. */
export type Answer =
  | {
      readonly status: number;
      readonly body: unknown;
      /** What the other side has for the time, by its `Date`; undefined if it says none. Unix milliseconds. */
      readonly dateMs: number | undefined;
    }
  | { readonly problem: string };

export type Ask = (url: URL, options?: RequestInit) => Promise<Answer>;

const WAIT_MS = 5000;

/** Never throws: that nobody answers is an answer. */
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

/** The text if it is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The management API beside a broker, with its user and password. @param given its address. @default port 15672 of its host */
export function managementUrl(amqpUrl: string, given?: URL): URL | undefined {
  if (!URL.canParse(amqpUrl)) return given;
  const { hostname, username, password } = new URL(amqpUrl);
  const url = new URL(given ?? `http://${hostname}:15672`);
  if (url.username !== '') return url;
  url.username = username === '' ? 'guest' : username;
  url.password = password === '' ? 'guest' : password;
  return url;
}
