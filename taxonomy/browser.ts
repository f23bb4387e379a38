import { checkDraft, missingStated, type Draft, type EventIssue } from './check-draft.ts';
import { browserEventId, derivedEventId, endedEventId, identitiesOf, requestIdentity } from './event-id.ts';
import { fieldClasses, type EventField, type EventType } from './event-types.ts';
import { mapHttpRequest } from './http/map-request.ts';
import type { EventData } from './http/types.ts';
import type { Candidate } from './map/candidate.ts';
import type { MapContext } from './map/context.ts';
import { markOf } from './map/edge-mark.ts';
import { collapse, weakKeyOf } from './map/keys.ts';
import { nameResource } from './map/name-resource.ts';
import { cut } from './text.ts';

/** Event types that a page's script may state by name. The page's address tells what a view is about. */
export const BROWSER_TYPES = [
  'view.page',
  'view.resource',
  'file.uploaded',
  'extraction.queued',
] as const satisfies readonly EventType[];

/** What is known about a page's script apart from its own statements. */
export interface BrowserPoster {
  /** The page's scheme, host and port. */
  readonly origin: string;
  /** `Referer` of the request: names the page if the script does not. */
  readonly page?: string | undefined;
  /** Used as the id if the script sends none. */
  readonly newId: string;
  readonly clientAddress?: string | undefined;
  readonly userAgent?: string | undefined;
}

export type BrowserVerdict =
  | { readonly ok: true; readonly candidate: Candidate }
  | { readonly ok: false; readonly issues: readonly EventIssue[] };

/**
 * Builds the event that a page's script states. Anyone can read the script's key, so the script chooses neither the id nor the
 * time nor the user. Long fields are cut and invalid ones left out, but the type, the address and the type's required fields
 * must be valid.
 *
 * @param said as `dashboard/snippet` sends it; it may be malformed in any way
 */
export function mapBrowser(said: unknown, poster: BrowserPoster, context: MapContext): BrowserVerdict {
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    return { ok: false, issues: [{ field: '', message: 'must be an object' }] };
  const words = said as Draft;
  const type = words['event'] ?? 'view.page';
  if (type !== 'view.ended' && !BROWSER_TYPES.some((one) => one === type))
    return {
      ok: false,
      issues: [
        {
          field: 'event',
          message: 'is not a type that a page may report',
          expected: `one of ${BROWSER_TYPES.join(', ')}`,
        },
      ],
    };
  const url = addressOf(words['url'], poster);
  if (url === undefined)
    return {
      ok: false,
      issues: [{ field: 'url', message: 'is missing, or is not an address', expected: 'an http address' }],
    };
  const common: Draft = {
    source: 'browser',
    created: context.now() - ageOf(words['age_ms']),
    client_address: poster.clientAddress,
    user_agent: poster.userAgent,
    session_id: textOf(words['session_id'], 256),
    url: url.href,
  };
  if (type === 'file.uploaded' || type === 'extraction.queued' || words['data'] !== undefined)
    return stated(type as EventType, words, common, poster, context);
  const view = viewOf(words, url, common, poster, context);
  if (!view.ok || type !== 'view.ended') return view;
  const { event_id: viewId, resource_type: resourceType, resource_id: resourceId } = view.candidate.body;
  return checked(
    {
      ...common,
      event: 'view.ended',
      event_id: endedEventId(viewId),
      view_id: viewId,
      visible_ms: countOf(words['visible_ms']),
      ...(resourceId !== undefined && { resource_type: resourceType, resource_id: resourceId }),
    },
    context,
  );
}

/** How long after its first data request a page of the web application may report its view, in milliseconds. */
const LEAD_MS = 5000;

function viewOf(words: Draft, url: URL, common: Draft, poster: BrowserPoster, context: MapContext): BrowserVerdict {
  const { event, data } = shownAt(url, poster.origin, context);
  const mark = markOf(words['request']);
  // A trace that begins with the request ends in the request's id.
  const requestId = mark?.captured === true ? mark.id.slice(-16) : mark?.id;
  const identity = mark && requestId && requestIdentity(mark.id, requestId);
  const [resource = ''] = identitiesOf([{ event, fields: data }]);
  const verdict = checked(
    {
      ...common,
      ...data,
      event,
      event_id:
        identity === undefined
          ? browserEventId(idOf(words['id']) ?? poster.newId, event)
          : derivedEventId(identity, event, resource),
      referrer: referrerOf(words['referrer']),
      title: textOf(words['title'], 1024),
      ...(mark?.captured === true && mark.id.length === 32 && { trace_id: mark.id, span_id: requestId }),
    },
    context,
  );
  if (!verdict.ok) return verdict;
  const { body } = verdict.candidate;
  const waits = mark?.captured === true;
  const requestKey = weakKeyOf(body, requestId, waits);
  const { collapse: ofPage } = collapse(body, undefined, false);
  return {
    ok: true,
    candidate: {
      body,
      strong: false,
      // The capture reports the same request and knows more about it.
      waits,
      ...(requestKey !== undefined && { requestKey }),
      ...(ofPage !== undefined && { collapse: mark === undefined ? { ...ofPage, leadMs: LEAD_MS } : ofPage }),
    },
  };
}

/**
 * Finds what an address shows, using the routes for requests. Pages of other sites, and paths without a route, count as plain
 * pages.
 */
function shownAt(
  url: URL,
  origin: string,
  context: MapContext,
): { readonly event: EventType; readonly data: EventData } {
  if (url.origin !== origin) return { event: 'view.page', data: {} };
  const [first] = mapHttpRequest(
    {
      method: 'GET',
      path: url.pathname,
      query: url.search.slice(1),
      status: 200,
      requestHeader: () => undefined,
      responseHeader: (name) => (name === 'content-type' ? 'text/html' : undefined),
    },
    context,
  );
  return first?.event === 'view.resource' ? first : { event: 'view.page', data: {} };
}

/** The event that a page states by name. */
function stated(
  type: EventType,
  words: Draft,
  common: Draft,
  poster: BrowserPoster,
  context: MapContext,
): BrowserVerdict {
  const data = typeof words['data'] === 'object' && words['data'] !== null ? (words['data'] as Draft) : {};
  const draft: Draft = {
    ...Object.fromEntries(Object.entries(data).filter(([field]) => mayState(field))),
    ...common,
    ...(typeof data['url'] === 'string' && { url: data['url'] }),
    event: type,
    event_id: browserEventId(idOf(words['id']) ?? poster.newId, type),
  };
  for (const field in draft) if (draft[field] === null || draft[field] === '') delete draft[field];
  nameResource(type, draft);
  const missing = missingStated(type, draft);
  return missing.length > 0 ? { ok: false, issues: missing } : checked(draft, context);
}

/**
 * Fields about things that a page may not state: they identify the event, or decide how it is weighed against other
 * observations.
 */
const OWN_OF_COLLECTOR: ReadonlySet<string> = new Set<EventField>([
  'event_id', 'created', 'source', 'client_kind', 'clowder_instance', 'recovered', 'job_id', 'view_id',
]); // prettier-ignore

function mayState(field: string): boolean {
  if (OWN_OF_COLLECTOR.has(field) || !Object.hasOwn(fieldClasses, field)) return false;
  const tells = fieldClasses[field as EventField];
  return tells === 'thing' || tells === 'words' || tells === 'place';
}

/** Returns the candidate without its faulty fields; if that leaves no valid event, the reason. */
function checked(draft: Draft, context: MapContext): BrowserVerdict {
  const first = checkDraft(draft, context);
  const second = first.ok ? first : checkDraft(repaired(draft, first.issues), context);
  if (!second.ok) return { ok: false, issues: (first.ok ? second : first).issues };
  return { ok: true, candidate: { body: second.body, waits: false, strong: false } };
}

function repaired(draft: Draft, issues: readonly EventIssue[]): Draft {
  const kept: Draft = { ...draft };
  for (const { field, expected } of issues) {
    const value = kept[field];
    const most = Number(/^at most (\d+)$/.exec(expected ?? '')?.[1]);
    if (typeof value === 'string' && value.length > most) kept[field] = cut(value, most);
    else delete kept[field];
  }
  return kept;
}

function addressOf(said: unknown, { origin, page }: BrowserPoster): URL | undefined {
  for (const given of [said, page]) {
    if (typeof given !== 'string' || given === '' || !URL.canParse(given, origin)) continue;
    const url = new URL(given, origin);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  return undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Milliseconds since the event by the page's own count; its clock is not trusted. */
function ageOf(said: unknown): number {
  return typeof said === 'number' && said > 0 ? Math.min(Math.round(said), DAY_MS) : 0;
}

function countOf(said: unknown): number | undefined {
  return typeof said === 'number' && said >= 0 && said <= 366 * DAY_MS ? Math.round(said) : undefined;
}

function textOf(said: unknown, longest: number): string | undefined {
  return typeof said === 'string' && said.trim() !== '' ? cut(said, longest) : undefined;
}

function referrerOf(said: unknown): string | undefined {
  const text = textOf(said, 8192);
  return text !== undefined && URL.canParse(text) ? text : undefined;
}

function idOf(said: unknown): string | undefined {
  return typeof said === 'string' && /^[\w-]{8,64}$/.test(said) ? said : undefined;
}
