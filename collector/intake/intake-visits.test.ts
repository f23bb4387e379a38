import { describe, expect, test } from 'vitest';
import { VISITS, type SpaRequest } from '../../test/clowder/spa-traffic.ts';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { NOTHING, type MapResult } from '../../taxonomy/map/candidate.ts';
import type { Attributes } from '../../taxonomy/telemetry.ts';

const NOW = Date.UTC(2026, 10, 29);
const context = createMapContext({ clowder: 'v2', now: () => NOW });

function attributesOf([target, status, type, referrer, destination]: SpaRequest): Attributes {
  const [path = '', query] = target.split('?');
  return {
    'http.request.method': 'GET',
    'url.path': path,
    ...(query !== undefined && { 'url.query': query }),
    'http.response.status_code': BigInt(status),
    'client.address': '192.0.2.7',
    'server.address': 'clowder.example',
    'url.scheme': 'https',
    'user_agent.original': 'Mozilla/5.0',
    'http.request.header.sec-fetch-dest': [destination],
    ...(referrer !== '' && { 'http.request.header.referer': [`https://clowder.example${referrer}`] }),
    ...(type !== '' && { 'http.response.header.content-type': [type] }),
  };
}

/** The two observers: a line of the access log, and a span of a backend that records headers. */
const OBSERVERS: Readonly<Record<string, (request: SpaRequest, number: number) => MapResult>> = {
  'the access log': (request, number) => byLine(request, number),
  'a span': (request, number) => bySpan(request, number),
};

/** This many milliseconds after the first. */
const nanosAt = (number: number): bigint => BigInt(NOW - 3_600_000 + number) * 1_000_000n;
const traceOf = ([, status]: SpaRequest, number: number): string => `${number}${status}`.padStart(32, '0');

function bySpan(request: SpaRequest, number: number, more: Attributes = {}): MapResult {
  return mapSpan(
    {
      traceId: traceOf(request, number),
      spanId: '00f067aa0ba902b7',
      parentSpanId: '',
      traceState: '',
      name: 'GET',
      kind: 2,
      startTimeUnixNano: nanosAt(number),
      endTimeUnixNano: nanosAt(number),
      attributes: { ...attributesOf(request), ...more },
      events: [],
      resource: {},
    },
    context,
  );
}

function byLine(request: SpaRequest, number: number, more: Attributes = {}, mapContext = context): MapResult {
  return mapLog(
    {
      timeUnixNano: nanosAt(number),
      observedTimeUnixNano: 0n,
      eventName: '',
      body: undefined,
      attributes: { ...attributesOf(request), ...more },
      resource: {},
      traceId: traceOf(request, number),
      spanId: '00f067aa0ba902b7',
    },
    mapContext,
  );
}

/** A mapping result in the form that the intake takes. */
const submitted = ({ candidates, denied: denials }: MapResult = NOTHING) =>
  [candidates, [], '', { denied: denials ?? [] }] as const;

const meaningOf = (line: string): string => {
  const body = JSON.parse(line) as FlatBody;
  const type = body['preview'] === true ? 'preview' : body['tracked'] === false ? 'untracked' : body.event;
  return body['resource_id'] === undefined ? type : `${type} ${body['resource_id']}`;
};

/** A held view is published after this time. */
const HELD_MS = 5000;

test.each(
  VISITS.flatMap((visit) => Object.keys(OBSERVERS).map((observer) => [visit.person, observer, visit] as const)),
)('a person who %s, as reported by %s, gives just these events', async (_person, observer, { requests, means }) => {
  const { intake, journal, clock } = world();
  for (const [index, request] of requests.entries())
    await intake.submit(...submitted(OBSERVERS[observer]?.(request, index + 1)));
  clock.now += HELD_MS;
  await intake.recoverDue();
  expect(journal.lines.map(meaningOf).toSorted()).toEqual(means.toSorted());
});

const DATASET = '65d000000000000000000001';
const ADDRESS = `/datasets/${DATASET}`;
/** The page, its call that Clowder answers, and a call that Clowder refuses. */
const page = (atMs = 1): MapResult => byLine([ADDRESS, 200, 'text/html', '', 'document'], atMs);
const call = (atMs = 2, status = 200, more: Attributes = {}): MapResult =>
  bySpan([`/api/v2${ADDRESS}`, status, 'application/json', ADDRESS, 'empty'], atMs, more);
const denied = (atMs = 2, status = 404): MapResult => call(atMs, status);
/** What only a capture knows: the user, and the resource's name. */
const user = { 'user.id': '65a000000000000000000001', 'user.name': 'ada@example.org' };
const name = { 'clowder.resource.name': 'Soil cores' };

async function viewsOf(batches: readonly (readonly MapResult[])[], restartBefore = -1): Promise<readonly FlatBody[]> {
  const { intake, open, journal, clock } = world();
  let current = intake;
  for (const [index, results] of batches.entries()) {
    if (index === restartBefore) current = open();
    const candidates = results.flatMap((result) => result.candidates);
    await current.submit(candidates, [], '', { denied: results.flatMap((result) => result.denied ?? []) });
  }
  clock.now += HELD_MS;
  await current.recoverDue();
  expect(journal.held('gathering')).toEqual([]);
  return journal.lines.map((line) => JSON.parse(line) as FlatBody);
}

describe('a view has what any of its observations knows', () => {
  const known = { user_id: user['user.id'], user_name: user['user.name'], resource_name: 'Soil cores' };
  test.each<[what: string, observed: readonly MapResult[]]>([
    ['the call knows, and comes after the page', [page(), call(2, 200, { ...user, ...name })]],
    ['the call knows, and comes before the page', [call(2, 200, { ...user, ...name }), page()]],
    ['one call knows the name, another the user', [page(), call(2, 200, name), call(3, 200, user)]],
    ['another call knows nothing, and comes first', [call(3), page(), call(2, 200, { ...user, ...name })]],
  ])('%s', async (_what, observed) => {
    const each = observed.map((one) => [one]);
    for (const batches of [[observed], each]) {
      for (const restart of [-1, 1]) {
        expect(await viewsOf(batches, restart)).toMatchObject([known]);
      }
    }
  });

  test('it has the address of its page', async () => {
    const url = `https://clowder.example${ADDRESS}`;
    for (const observed of [[page(), call()], [call(), page()]]) expect(await viewsOf([observed])).toMatchObject([{ url, created: NOW - 3_600_000 + 1 }]); // prettier-ignore
  });

  test('it is published once nothing more can be learnt, and not before', async () => {
    const { intake, journal } = world();
    await intake.submit(page().candidates);
    expect(journal.lines).toEqual([]);
    await intake.submit(call(2, 200, { ...user, ...name }).candidates);
    expect(journal.lines).toHaveLength(1);
  });

  test('it is published at once if its first observation knows everything', async () => {
    const { intake, journal } = world();
    await intake.submit(call(2, 200, { ...user, ...name }).candidates);
    expect(journal.lines).toHaveLength(1);
  });

  test('its user comes from one observation, id and name together', async () => {
    const views = await viewsOf([
      [page(), call(2, 200, { 'user.id': 'one' }), call(3, 200, { 'user.name': 'another' })],
    ]);
    expect(views).toMatchObject([{ user_id: 'one' }]);
    expect(views[0]).not.toHaveProperty('user_name');
  });

  test('it is published at once for a page of Clowder 1, which makes no calls', async () => {
    const { intake, journal } = world();
    const context_ = { ...context, clowder: 'v1' as const };
    await intake.submit(byLine([ADDRESS, 200, 'text/html', '', 'document'], 1, {}, context_).candidates);
    expect(journal.lines).toHaveLength(1);
  });
});

describe('a page whose call fails', () => {
  test.each([403, 404, 410])('is not a view, in any order, even over a restart: %i', async (status) => {
    expect(await viewsOf([[page(), denied(2, status)]])).toEqual([]);
    expect(await viewsOf([[page()], [denied(2, status)]])).toEqual([]);
    expect(await viewsOf([[denied(2, status)], [page()]])).toEqual([]);
    expect(await viewsOf([[page()], [denied(2, status)], [page()]], 2)).toEqual([]);
    expect(await viewsOf([[page()], [denied(2, status)]], 1)).toEqual([]);
  });

  test.each([401, 500, 503])('is a view if the failure is temporary: %i', async (status) => {
    expect(await viewsOf([[page()], [denied(2, status)]])).toHaveLength(1);
  });

  test('is a view if another call was answered', async () => {
    expect(await viewsOf([[page()], [call(2)], [denied(3)]])).toHaveLength(1);
  });

  test('is a view once a repeated call is answered', async () => {
    expect(await viewsOf([[page(1)], [denied(2)], [call(9000)]])).toHaveLength(1);
    expect(await viewsOf([[page(1)], [denied(2)], [page(9000)], [call(9001)]])).toHaveLength(1);
  });

  test('does not affect other pages', async () => {
    const other = byLine([`/datasets/65d000000000000000000002`, 200, 'text/html', '', 'document'], 1);
    expect(await viewsOf([[page(), other], [denied()]])).toMatchObject([{ resource_id: '65d000000000000000000002' }]);
    const another = byLine([ADDRESS, 200, 'text/html', '', 'document'], 1, { 'client.address': '198.51.100.9' });
    expect(await viewsOf([[another], [denied()]])).toHaveLength(1);
    expect(await viewsOf([[page(60_000)], [denied(59_000)]])).toHaveLength(1);
  });
});
