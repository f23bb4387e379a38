import type { EventType } from '../../../taxonomy/index.ts';

/** Who sends a request. It decides the User-Agent, and so the events' `client_kind`. */
export type Agent = 'curl' | 'browser' | 'pyclowder' | 'bot';

export const USER_AGENTS: Readonly<Record<Exclude<Agent, 'curl'>, string>> = {
  browser: 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  pyclowder: 'pyclowder/3.0.8 python-requests/2.32.3',
  bot: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
};

/** A field or file of a multipart form. */
export type FormPart =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly fileName: string; readonly contentType: string; readonly bytes: number };

/** One request for a client to send. */
export interface Sent {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default 'curl' */
  readonly agent?: Agent;
  readonly json?: unknown;
  readonly fields?: Readonly<Record<string, string>>;
  readonly parts?: readonly FormPart[];
  /** The client leaves after this many bytes of the answer's body. */
  readonly leaveAfterBytes?: number;
}

/** The answer that came back. */
export interface Got {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** Bytes of the body, decoded. */
  readonly bytes: number;
}

/** An event that must result, with all fields except those unknown in advance (ids of event and trace, times). */
export interface ExpectedEvent {
  readonly event: EventType;
  readonly [field: string]: string | number | boolean;
}

export interface Scenario {
  readonly name: string;
  /** Rows of the route table that the scenario covers, by `key`. */
  readonly covers?: readonly string[];
  /** Sent in this order; a later request may depend on earlier answers. */
  readonly send: readonly (Sent | ((before: readonly Got[]) => Sent))[];
  /** Clowder's status for each request: a stand-in that answers otherwise proves nothing. */
  readonly statuses: readonly number[];
  /** All events of all its requests, in any order. */
  readonly expect: (got: readonly Got[]) => readonly ExpectedEvent[];
}

type Extra = Partial<Omit<Sent, 'method' | 'path'>>;

export const get = (path: string, extra: Extra = {}): Sent => ({ method: 'GET', path, ...extra });
export const del = (path: string, extra: Extra = {}): Sent => ({ method: 'DELETE', path, ...extra });
export const post = (path: string, extra: Extra = {}): Sent => ({ method: 'POST', path, ...extra });
export const file = (name: string, fileName: string, bytes: number, contentType = 'text/plain'): FormPart => ({
  name,
  fileName,
  contentType,
  bytes,
});

/** A scenario with one request; its events are a list or derived from the answer. */
export function one(
  name: string,
  sent: Sent,
  status: number,
  events: readonly ExpectedEvent[] | ((got: Got) => readonly ExpectedEvent[]),
  covers: readonly string[] = [],
): Scenario {
  return {
    name,
    covers,
    send: [sent],
    statuses: [status],
    expect: ([got]) => (typeof events !== 'function' ? events : got === undefined ? [] : events(got)),
  };
}

/** A text in the returned JSON or JSONP, by keys and indexes. @throws Error if there is none */
export function inJson(got: Got | undefined, ...path: readonly (string | number)[]): string {
  let value: unknown = JSON.parse(got?.text.replace(/^\w+\((.*)\);$/s, '$1') ?? '');
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  if (typeof value !== 'string') throw new Error(`no text at ${path.join('.')} of ${got?.text ?? 'no answer'}`);
  return value;
}

/** The last segment of a URL. */
export const lastOf = (url: string | undefined): string => url?.split('/').at(-1) ?? '';
