import { LONGEST_MS } from '../event-fields.ts';
import { parseJsonText } from './json-text.ts';
import { isOver, readSetCookies } from './set-cookie.ts';
import type { EventData, HttpRequest, Json, TakenRoute } from './types.ts';

const ID = /^(?:[0-9a-f]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** The path of a v2 page about one resource, in the requester's address; v1's paths begin in the same way. */
const PAGE_OF_RESOURCE = /\/(?:public_)?(file|dataset)s\/([0-9a-f]{24})(?:[/?#]|$)/i;
/** Most events from ids that only the request names, since anyone may list thousands of ids. */
export const MOST_NAMED = 100;
const SESSION_COOKIES: ReadonlySet<string> = new Set(['id', 'Authorization']);
const FALSE = new Set(['false', '0', 'no', 'off', 'n', 'f']);

/** Returns a resource id in lower case; undefined if the value does not look like one (24 hex digits, or a UUID). */
export function asId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const lower = value.toLowerCase();
  return ID.test(lower) ? lower : undefined;
}

/** What the rules ask about a request and its response. */
export class Facts {
  readonly request: HttpRequest;
  readonly route: TakenRoute;
  readonly #answer: Json | undefined;
  #query: URLSearchParams | undefined;

  constructor(request: HttpRequest, route: TakenRoute) {
    this.request = request;
    this.route = route;
    this.#answer = parseText(request.responseBody);
  }

  /** Whether the observer read the whole response body, so that its omissions count. */
  get sawAnswer(): boolean {
    return this.#answer !== undefined && this.request.responseTruncated !== true;
  }

  get answer(): Json | undefined {
    return this.#answer;
  }

  get ok(): boolean {
    return this.request.status >= 200 && this.request.status < 300;
  }

  param(name: string): string | undefined {
    return this.route.params[name];
  }

  pathId(...names: string[]): string | undefined {
    for (const name of names) {
      const id = asId(this.param(name));
      if (id !== undefined) return id;
    }
    return undefined;
  }

  query(name: string): string | undefined {
    if (this.request.query === '') return undefined;
    this.#query ??= new URLSearchParams(this.request.query);
    const value = this.#query.get(name);
    return value === null || value === '' ? undefined : value;
  }

  /** A field of the request's form or JSON body. */
  form(name: string): Json | undefined {
    return field(this.request.requestBody, name);
  }

  formText(name: string): string | undefined {
    const value = this.form(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  answerField(name: string): Json | undefined {
    return field(this.#answer, name);
  }

  /** Whether Clowder answers 200 but says in the body that it did nothing. */
  get refusedInBody(): boolean {
    const status = this.answerField('status');
    return this.#answer === null || (typeof status === 'string' && /^(?:error|ko|failed?)$/i.test(status));
  }

  get location(): string {
    return this.request.responseHeader('location') ?? '';
  }

  /**
   * The session that the response's cookie starts: v1 `id`, v2 `Authorization`; undefined if there is none, or it is deleted.
   */
  get session(): string | undefined {
    const { responseHeader, answeredMs = 0 } = this.request;
    const last = readSetCookies(responseHeader('set-cookie') ?? '').findLast(({ name }) => SESSION_COOKIES.has(name));
    if (last === undefined || isOver(last, answeredMs)) return undefined;
    return /^"?(?:Bearer(?:\s+|%20))?([^",\s]+)/.exec(last.value)?.[1];
  }

  /** Whether the response is a page; true if its type is unknown. */
  get isHtml(): boolean {
    const type = this.request.responseHeader('content-type');
    return type === undefined || /^(?:text\/html|application\/xhtml)/i.test(type);
  }

  /** Media type of the answer without its parameters; a body of several pieces tells nothing of the whole. */
  get contentType(): string | undefined {
    const type = /^\s*([^\s;,]+\/[^\s;,]+)/.exec(this.request.responseHeader('content-type') ?? '')?.[1]?.toLowerCase();
    return type === undefined || type.startsWith('multipart/') ? undefined : type;
  }

  /** The resource page that sent this request, if one did. */
  get askingPage(): { readonly type: string; readonly id: string } | undefined {
    const path = this.request.requestHeader('referer')?.replace(/^[a-z]+:\/\/[^/]*/i, '') ?? '';
    const page = path.startsWith('/api/') ? null : PAGE_OF_RESOURCE.exec(path.replace(/[?#].*$/s, ''));
    return page === null ? undefined : { type: page[1]?.toLowerCase() ?? '', id: page[2]?.toLowerCase() ?? '' };
  }

  get isByBrowser(): boolean {
    return ['sec-fetch-mode', 'referer', 'cookie'].some((name) => this.request.requestHeader(name) !== undefined);
  }

  /** Whether another resource's page sent this request: a file's page also requests its dataset. */
  isAskedByAnother(type: 'file' | 'dataset', id: string): boolean {
    const page = this.askingPage;
    return page !== undefined && (page.type !== type || page.id !== id);
  }

  /**
   * Whether a script on a Clowder page requested it for display. A link with `download` has no destination either, but
   * navigates.
   */
  get preview(): boolean {
    const { requestHeader } = this.request;
    if (requestHeader('sec-fetch-dest') !== 'empty' || requestHeader('sec-fetch-mode') === 'navigate') return false;
    return this.askingPage !== undefined;
  }

  /** false if Clowder was asked not to count it, or if a page displays it, as an image or by a script. */
  get tracked(): boolean {
    for (const name of ['tracking', 'increment']) if (FALSE.has(this.query(name)?.toLowerCase() ?? '')) return false;
    const destination = this.request.requestHeader('sec-fetch-dest') ?? '';
    return !this.preview && (destination === '' || destination === 'document' || destination === 'empty');
  }
}

type OfRequestBody = 'form' | 'formText';
type OfAnswerBody = 'answer' | 'answerField' | 'sawAnswer' | 'refusedInBody';
type RequestBody = Pick<HttpRequest, 'requestBody' | 'parts'>;
type AnswerBody = Pick<HttpRequest, 'responseBody' | 'responseTruncated'>;

/** What every observer may know: everything except the bodies. */
export type HeadFacts = Omit<Facts, OfRequestBody | OfAnswerBody | 'request'> & {
  readonly request: Omit<HttpRequest, keyof RequestBody | keyof AnswerBody>;
};
/** In addition, the request body, if it was read. */
export type RequestFacts = HeadFacts & Pick<Facts, OfRequestBody> & { readonly request: RequestBody };
/** In addition, the response body, if it was read. */
export type AnswerFacts = HeadFacts & Pick<Facts, OfAnswerBody> & { readonly request: AnswerBody };

export function field(value: Json | undefined, name: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? value[name]
    : undefined;
}

/** Parses JSON text, and returns other text unchanged: a number or a bare word is text. */
function parseText(body: Json | undefined): Json | undefined {
  if (typeof body !== 'string') return body;
  const json = parseJsonText(body);
  return json === undefined || typeof json === 'number' || typeof json === 'boolean' ? body : json;
}

/** Returns the file name in Content-Disposition (RFC 6266): `filename*` first, then `filename`, quoted or not. */
export function dispositionName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const extended = /filename\*\s*=\s*[\w-]*'[^']*'([^;]+)/i.exec(header)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(withoutWords(extended.trim()));
    } catch {
      // Not percent-encoded correctly: use the plain name, if any.
    }
  }
  // v2 does not quote: a semicolon is part of the name unless another parameter follows.
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*(?:;(?!\s*[\w*-]+\s*=)[^;]*)*))/i.exec(header);
  const name = plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2]?.trim();
  return name === undefined || name === '' ? undefined : name;
}

/** Replaces v1's encoded words for non-ASCII names (RFC 2047, Q), as in `=?utf-8?Q?na=C3=AFve.txt?=`, by percent-encoding. */
function withoutWords(text: string): string {
  if (!text.startsWith('=?')) return text;
  return text
    .replace(/\?=\s*=\?utf-8\?q\?/gi, '')
    .replace(/^=\?utf-8\?q\?(.*)\?=$/is, '$1')
    .replaceAll('_', '%20')
    .replace(/=([0-9a-f]{2})/gi, '%$1');
}

/** Data fields, any of which may be unknown. */
export type Data = { readonly [K in keyof EventData]?: EventData[K] | undefined };

/** Longest values that the event types accept. Longer names are cut; other longer values count as unknown. */
const LONGEST: Readonly<Record<string, number>> = {
  content_type: 256,
  format: 64,
  job_id: 256,
  range: 256,
  version: 64,
};
const LONGEST_NAME = 1024;
/** Larger numbers count as unknown. */
const LARGEST: Readonly<Record<string, number>> = { response_time_ms: LONGEST_MS };

/** Keeps only values that are known and valid for the event's type: an odd header must not cost the event. */
export function known(data: Data): EventData {
  const fitting: EventData = {};
  for (const name of Object.keys(data) as (keyof EventData)[]) {
    const value = fit(name, data[name]);
    if (value !== undefined) fitting[name] = value;
  }
  return fitting;
}

function fit(name: string, value: string | number | boolean | undefined): string | number | boolean | undefined {
  if (value === '') return undefined;
  if (name === 'bytes') return asCount(value);
  if (typeof value === 'number') return value >= 0 && value <= (LARGEST[name] ?? Number.MAX_VALUE) ? value : undefined;
  if (typeof value !== 'string') return value;
  if (name.endsWith('_name')) return value.slice(0, LONGEST_NAME);
  return value.length > (LONGEST[name] ?? Infinity) ? undefined : value;
}

/** Returns a version as a number, as Clowder v2 counts versions, otherwise as text. */
export function asVersion(text: string | undefined): string | number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

export function asText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function asCount(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
