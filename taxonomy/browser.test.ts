import { describe, expect, test } from 'vitest';
import { mapBrowser, type BrowserPoster } from './browser.ts';
import { derivedEventId } from './event-id.ts';
import { eventSchemas } from './event-types.ts';
import { createMapContext } from './map/context.ts';

const SITE = 'https://clowder.example';
const DATASET = '5f1e00000000000000000002';
const NOW = 1_790_000_000_000;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const VIEW_ID = '12345678-1-2-3';

const context = createMapContext({ clowder: 'v2', now: () => NOW, dayKey: () => 'key' });
const poster: BrowserPoster = {
  origin: SITE,
  newId: 'new-one-of-them',
  clientAddress: '198.51.100.7',
  userAgent: 'Mozilla/5.0 Firefox/140.0',
};

const verdictOf = (said: unknown, by: Partial<BrowserPoster> = {}) => mapBrowser(said, { ...poster, ...by }, context);

function candidateOf(said: unknown, by: Partial<BrowserPoster> = {}) {
  const verdict = verdictOf(said, by);
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.issues));
  return verdict.candidate;
}
const bodyOf = (said: unknown, by: Partial<BrowserPoster> = {}) => candidateOf(said, by).body;

describe('a view in the browser', () => {
  test('of a resource is recognised by its address, with the routes for requests', () => {
    expect(
      bodyOf({ url: `${SITE}/datasets/${DATASET}?folder=5f1e00000000000000000009#files`, title: 'Soil' }),
    ).toMatchObject({
      event: 'view.resource',
      source: 'browser',
      resource_type: 'dataset',
      resource_id: DATASET,
      folder_id: '5f1e00000000000000000009',
      title: 'Soil',
    });
  });

  test.each([
    `${SITE}/explore`,
    `${SITE}/no/such/page`,
    `${SITE}/api/v2/datasets/${DATASET}`,
    '/search',
    `https://other.example/datasets/${DATASET}`,
  ])('of %s is a page', (url) => {
    const body = bodyOf({ url });
    expect(body).toMatchObject({ event: 'view.page', url: new URL(url, SITE).href });
    expect(body['resource_id']).toBeUndefined();
  });

  test('has its time from the age that the page gives', () => {
    expect(bodyOf({ url: SITE, age_ms: 1500.4 }).created).toBe(NOW - 1500);
    for (const age of [-5, Number.NaN, '9', null]) expect(bodyOf({ url: SITE, age_ms: age }).created).toBe(NOW);
    expect(bodyOf({ url: SITE, age_ms: 1e15 }).created).toBe(NOW - 86_400_000);
  });

  test('has no secret in its addresses', () => {
    const body = bodyOf({ url: `${SITE}/search?token=abc`, referrer: `${SITE}/login?code=xyz` });
    expect(JSON.stringify(body)).not.toMatch(/abc|xyz/);
  });

  test('has the client whose address and browser the receiver saw', () => {
    const body = bodyOf({ url: SITE, client_id: 'me', client_address: '10.0.0.1', user_id: 'someone' });
    expect(body).toMatchObject({ client_address: '198.51.100.0', client_kind: 'browser' });
    expect(body['user_id']).toBeUndefined();
    expect(body['client_id']).not.toBe('me');
  });
});

describe('the id of a view', () => {
  const url = `${SITE}/datasets/${DATASET}`;

  test("follows from the request that a capture saw bring the page, and the view waits for the capture's event", () => {
    const { body, waits, strong, requestKey } = candidateOf({ url, id: VIEW_ID, request: TRACE });
    expect(body).toMatchObject({
      event_id: derivedEventId(TRACE, 'view.resource', DATASET),
      trace_id: TRACE,
      span_id: TRACE.slice(16),
    });
    expect({ waits, strong, requestKey }).toEqual({
      waits: true,
      strong: false,
      requestKey: `${TRACE.slice(16)}|view.resource`,
    });
  });

  test("follows from the request's id if the trace began elsewhere", () => {
    const { body, waits } = candidateOf({ url, request: 'b7ad6b7169203331' });
    expect(body.event_id).toBe(derivedEventId('b7ad6b7169203331', 'view.resource', DATASET));
    expect(body['trace_id']).toBeUndefined();
    expect(waits).toBe(true);
  });

  test("is that of NGINX's observation if NGINX gave the request its id, without a wait", () => {
    const { body, waits } = candidateOf({ url, request: `request:${TRACE}` });
    expect(body.event_id).toBe(derivedEventId(TRACE, 'view.resource', DATASET));
    expect(waits).toBe(false);
  });

  test.each(['', 'x', TRACE.slice(1), TRACE.toUpperCase(), `request:${TRACE}0`, 7, null, {}])(
    "is the view's own if the request is %j",
    (request) => {
      expect(bodyOf({ url, id: VIEW_ID, request }).event_id).toBe(bodyOf({ url, id: VIEW_ID }).event_id);
    },
  );

  test('is the same when the view is sent again, and differs with another id from the page', () => {
    const first = bodyOf({ url, id: VIEW_ID }).event_id;
    expect(bodyOf({ url, id: VIEW_ID, title: 'Later' }).event_id).toBe(first);
    expect(bodyOf({ url, id: `${VIEW_ID}4` }).event_id).not.toBe(first);
  });

  test("cannot be chosen: no id from a page is the event's id", () => {
    for (const chosen of ['e1', VIEW_ID, TRACE]) {
      const body = bodyOf({ url, id: chosen, event_id: chosen });
      expect(body.event_id).toMatch(/^[0-9a-f]{32}$/);
      expect(body.event_id).not.toBe(chosen);
    }
  });

  test("also covers the application's calls for its content, even those made shortly before", () => {
    expect(candidateOf({ url }).collapse).toMatchObject({ leadMs: 5000 });
    expect(candidateOf({ url, request: TRACE }).collapse).not.toHaveProperty('leadMs');
  });
});

describe('the end of a view', () => {
  test("names its view, the view's resource, and how long it was seen", () => {
    const said = { url: `${SITE}/files/${DATASET}`, id: VIEW_ID, request: TRACE };
    const view = bodyOf(said);
    const ended = candidateOf({ ...said, event: 'view.ended', visible_ms: 1234.6 });
    expect(ended.body).toMatchObject({
      event: 'view.ended',
      view_id: view.event_id,
      resource_type: 'file',
      resource_id: DATASET,
      visible_ms: 1235,
    });
    expect(ended.body.event_id).not.toBe(view.event_id);
    expect(ended.waits).toBe(false);
  });

  test.each([-1, '5', 1e15])('leaves out a time of %j', (visible) => {
    expect(bodyOf({ url: SITE, event: 'view.ended', visible_ms: visible })['visible_ms']).toBeUndefined();
  });
});

describe('an event that a page states', () => {
  test.each([
    ['file.uploaded', { file_id: DATASET, file_name: 'a.csv', bytes: 12 }],
    ['extraction.queued', { file_id: DATASET, extractor_name: 'ncsa.wordcount' }],
    ['view.resource', { resource_type: 'dataset', resource_id: DATASET }],
  ])('is an event of the type %s', (event, data) => {
    expect(bodyOf({ event, url: `${SITE}/upload`, data })).toMatchObject({ event, source: 'browser', ...data });
  });

  test('cannot set users, jobs, times or another source', () => {
    const forged = {
      event_id: 'x', created: 1, source: 'proxy', user_id: 'u', session_id: 's', client_kind: 'extractor', job_id: 'j',
      trace_id: TRACE, clowder_instance: 'i', recovered: true, client_address: '10.0.0.1',
    }; // prettier-ignore
    const body = bodyOf({ event: 'extraction.queued', url: SITE, data: { file_id: DATASET, ...forged } });
    for (const [field, value] of Object.entries(forged)) expect(body[field]).not.toBe(value);
  });

  test('loses its invalid fields, and is still accepted', () => {
    const body = bodyOf({
      event: 'file.uploaded',
      url: SITE,
      data: { file_id: DATASET, bytes: '12', file_name: 7, unknown: 1 },
    });
    expect(body).toMatchObject({ event: 'file.uploaded', file_id: DATASET });
    expect(body).not.toHaveProperty('bytes');
    expect(body).not.toHaveProperty('unknown');
  });

  test.each(['file.deleted', 'user.login', 'health.ping', 'nonsense', 7, {}])('is refused as %j', (event) => {
    expect(verdictOf({ event, url: SITE, data: { file_id: DATASET } })).toMatchObject({
      ok: false,
      issues: [{ field: 'event' }],
    });
  });

  test('is refused without the resource that its type needs', () => {
    expect(verdictOf({ event: 'file.uploaded', url: SITE, data: {} })).toMatchObject({
      ok: false,
      issues: [{ field: 'file_id' }],
    });
  });
});

describe('a faulty view', () => {
  test.each([
    ['an empty referrer', { referrer: '' }, 'referrer', undefined],
    ['a referrer that is not an address', { referrer: 'about' }, 'referrer', undefined],
    ['a referrer of another type', { referrer: { a: 1 } }, 'referrer', undefined],
    ['an empty title', { title: '' }, 'title', undefined],
    ['a title of blanks', { title: ' \n' }, 'title', undefined],
    ['a title of 5,000 characters', { title: 'x'.repeat(5000) }, 'title', 'x'.repeat(1024)],
    ['half a surrogate', { title: 'a\ud83d' }, 'title', 'a\ufffd'],
    ['a pair at the limit', { title: `${'x'.repeat(1023)}😀` }, 'title', 'x'.repeat(1023)],
    ['a session with a line feed', { session_id: 'a\nb' }, 'session_id', undefined],
    ['a session of 300 characters', { session_id: 's'.repeat(300) }, 'session_id', 's'.repeat(256)],
  ])('is repaired if it has %s', (_, wrong, field, right) => {
    const body = bodyOf({ url: `${SITE}/datasets/${DATASET}`, ...wrong });
    expect(body[field]).toBe(right);
    expect(eventSchemas[body.event].safeParse(body).success).toBe(true);
  });

  test('is repaired if its address is too long, by cutting it', () => {
    expect(bodyOf({ url: `${SITE}/search?q=${'x'.repeat(20_000)}` })['url']).toHaveLength(8192);
  });

  test('is refused with the reason if neither the page nor the browser gives an address', () => {
    for (const url of [undefined, '', 7, 'about:blank', 'javascript:0', 'http://'])
      expect(verdictOf({ url })).toMatchObject({ ok: false, issues: [{ field: 'url' }] });
  });

  test("gets its address from the browser's header", () => {
    expect(bodyOf({ title: 'Soil' }, { page: `${SITE}/datasets/${DATASET}` })).toMatchObject({ resource_id: DATASET });
  });

  test.each([null, [], 'text', 7, true])('is refused if it is %j', (said) => {
    expect(verdictOf(said).ok).toBe(false);
  });
});
