import { describe, expect, test } from 'vitest';
import { WAIT_MS, world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import { derivedEventId, requestIdentity } from '../../taxonomy/event-id.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import type { Attributes, LogRecord, SpanRecord } from '../../taxonomy/telemetry.ts';

const NOW = Date.UTC(2026, 10, 29);
const NANO = BigInt(NOW) * 1_000_000n;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const FILE = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const DATASET = '5f1e0000000000000000d5e7';
const context = createMapContext({ clowder: 'v1', now: () => NOW });

/** One request, and what each of its observers reports. */
interface Request {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  /** Id of the request: the proxy's span. */
  readonly id: string;
  readonly traceId: string;
  /** What only the capture knows, or a backend that reports it. */
  readonly resource: Attributes;
  readonly resourceId: string;
}

const idOf = (number: number): string => number.toString(16).padStart(16, '0');

function download(number: number, about: Partial<Request> = {}): Request {
  const resource = { 'clowder.resource.id': FILE, 'clowder.resource.type': 'file' };
  const path = `/api/files/${FILE}/blob`;
  return { method: 'GET', path, type: 'view.download', id: idOf(number), traceId: TRACE, resource, resourceId: FILE, ...about }; // prettier-ignore
}
function upload(number: number, about: Partial<Request> = {}): Request {
  const path = `/api/uploadToDataset/${DATASET}`;
  const resource = { 'clowder.file.id': FILE };
  return { ...download(number), method: 'POST', path, type: 'file.uploaded', resource, ...about };
}

const log = (one: Request, eventName: string, attributes: Attributes): LogRecord => ({
  timeUnixNano: NANO,
  observedTimeUnixNano: 0n,
  eventName,
  body: undefined,
  attributes,
  resource: {},
  traceId: one.traceId,
  spanId: '00f067aa0ba902b7',
});
const seenAs = ({ method, path }: Request): Attributes => ({
  'http.request.method': method,
  'url.path': path,
  'http.response.status_code': 200n,
});

const identity = ({ traceId, id }: Request): string => requestIdentity(traceId, id);
const byProxy = (one: Request, more: Attributes = {}, of = context): readonly Candidate[] =>
  mapLog(
    {
      ...log(one, `clowder.${one.type}`, {}),
      spanId: one.id,
      attributes: {
        ...one.resource,
        'clowder.source': 'proxy',
        'clowder.request.id': one.id,
        'clowder.event.id': derivedEventId(identity(one), one.type, one.resourceId),
        ...more,
      },
    },
    of,
  ).candidates;
const bySpan = (one: Request, traceState: string, attributes: Attributes = {}): readonly Candidate[] => {
  const span: SpanRecord = {
    ...log(one, '', {}),
    parentSpanId: '',
    traceState,
    name: one.method,
    kind: 2,
    startTimeUnixNano: NANO,
    endTimeUnixNano: NANO,
    attributes: { ...seenAs(one), ...attributes },
    events: [],
  };
  return mapSpan(span, context).candidates;
};
const byBackend = (one: Request, attributes?: Attributes): readonly Candidate[] =>
  bySpan(one, `clowder=${one.id}`, attributes);
/** NGINX's line, with a trace and an id of its own and the mark of the capture behind it. */
const byLine = (one: Request, mark: string = one.id): readonly Candidate[] =>
  mapLog(
    log(one, '', {
      ...seenAs(one),
      'clowder.request.id': 'ab'.repeat(16),
      'http.response.header.x-clowder-captured': [mark],
    }),
    context,
  ).candidates;

const bodies = (lines: readonly string[]): FlatBody[] => lines.map((line) => JSON.parse(line) as FlatBody);

/** All permutations. */
function ordersOf<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((first, at) => ordersOf(all.toSpliced(at, 1)).map((rest) => [first].concat(rest)));
}

/** Submits them one by one, with a restart before the given one, and ends the wait of those that wait. */
async function eventsOf(observed: readonly (readonly Candidate[])[], restartBefore = -1): Promise<readonly FlatBody[]> {
  const { intake, open, clock, journal } = world();
  let current = intake;
  for (const [index, candidates] of observed.entries()) {
    if (index === restartBefore) current = open();
    await current.submit(candidates);
  }
  clock.now += WAIT_MS;
  await current.recoverDue();
  expect(journal.held('waiting')).toEqual([]);
  return bodies(journal.lines);
}

describe('observations by proxy, backend and access log', () => {
  const REQUESTS: readonly [string, Request][] = [
    ['of a download', download(1)],
    ['of an upload', upload(1)],
    ['of a request whose trace began with it', upload(1, { traceId: 'cd'.repeat(8) + idOf(1) })],
  ];
  test.each(REQUESTS)('%s are one event, in any order, even over a restart', async (_what, one) => {
    for (const order of ordersOf([byProxy(one), byBackend(one), byLine(one)])) {
      for (const restart of [-1, 1, 2]) {
        expect(await eventsOf(order, restart)).toMatchObject([{ source: 'proxy', resource_id: FILE }]); // prettier-ignore
      }
    }
  });

  test("are one event even if the line has a trace of NGINX's that the proxy did not continue", async () => {
    for (const one of [download(1), upload(1)]) {
      const line = byLine({ ...one, traceId: 'ab'.repeat(16) });
      for (const order of ordersOf([byProxy(one), byBackend(one), line]))
        expect(await eventsOf(order)).toMatchObject([{ source: 'proxy', resource_id: FILE }]);
    }
  });

  test('of a hundred identical requests in one trace are a hundred events', async () => {
    const requests = Array.from({ length: 100 }, (_, number) => download(number));
    const observed = requests.flatMap((one) => [byBackend(one), byProxy(one), byLine(one)]);
    const events = await eventsOf(observed);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(100);
    expect(events).toHaveLength(100);
  });

  test("of two extractors' jobs on one file in one trace are two events", async () => {
    const queue = (number: number, job: string): Request =>
      download(number, {
        method: 'POST',
        path: `/api/files/${FILE}/extractions`,
        type: 'extraction.queued',
        resource: { 'clowder.file.id': FILE, 'clowder.job.id': job },
      });
    const both = [queue(1, '66f00000000000000000000a'), queue(2, '66f00000000000000000000b')];
    expect(await eventsOf(both.map((one) => byProxy(one)))).toHaveLength(2);
  });

  test('of two uploads in one trace, one captured and one lost, are two events', async () => {
    const [captured, lost] = [upload(1), upload(2)];
    const events = await eventsOf([byLine(captured), byProxy(captured), byBackend(lost), byLine(lost), byBackend(captured)]); // prettier-ignore
    expect(events.map((event) => [event.event_id, event['recovered']])).toEqual([
      [derivedEventId(captured.id, 'file.uploaded', FILE), undefined],
      [derivedEventId(lost.id, 'file.uploaded', ''), true],
    ]);
  });
});

describe('observations by two captures, one in front of the other,', () => {
  /** The inner capture has an id and a trace of its own, and the outer one is its client. */
  const chained = (outer: Request) => {
    const inner: Request = { ...outer, id: idOf(900), traceId: 'ef'.repeat(16) };
    const by = (one: Request, more: Attributes): readonly Candidate[] => byProxy(one, more);
    return {
      inner,
      byOuter: by(outer, { 'clowder.request.inner': inner.id }),
      byInner: by(inner, { 'clowder.request.outer': outer.id }),
      byBackend: byBackend(inner),
      byLine: byLine(outer),
    };
  };
  const outerEvent = { source: 'proxy', resource_id: FILE, event_id: derivedEventId(idOf(1), 'view.download', FILE) };

  test.each([
    ['of a download', download(1), outerEvent],
    ['of an upload', upload(1), { ...outerEvent, event_id: derivedEventId(idOf(1), 'file.uploaded', FILE) }],
  ])(
    "%s are one event, the outer capture's, with all other observations, in any order, even over a restart",
    async (_what, one, event) => {
      const { byOuter, byInner, byBackend: ofBackend, byLine: ofLine } = chained(one);
      for (const order of ordersOf([byOuter, byInner, ofBackend, ofLine])) {
        for (const restart of [-1, 1, 3]) {
          const events = await eventsOf(order, restart);
          expect(events).toMatchObject([event]);
          expect(events[0]).not.toHaveProperty('recovered');
        }
      }
    },
  );

  test("are the inner capture's event if the outer one was killed", async () => {
    const { inner, byInner, byBackend: ofBackend } = chained(download(1));
    for (const order of ordersOf([byInner, ofBackend]))
      expect(await eventsOf(order)).toMatchObject([{ event_id: derivedEventId(inner.id, 'view.download', FILE) }]);
  });

  test('are two events if a client falsely claims that another request was the same', async () => {
    const outer = byProxy(download(1));
    const byLiar = byProxy(download(2), { 'clowder.request.outer': idOf(1) });
    expect(await eventsOf([outer, byLiar])).toHaveLength(2);
  });
});

describe('a backend that passes on traceparent but not tracestate', () => {
  test('is identified by the trace that began with the request', async () => {
    const one = download(1, { traceId: 'cd'.repeat(8) + idOf(1) });
    for (const order of ordersOf([byProxy(one), bySpan(one, '')])) expect(await eventsOf(order)).toHaveLength(1);
  });
});

describe('observations by a backend that knows the id of a new file, and by an access log that does not,', () => {
  const known = { 'clowder.file.id': FILE };

  test('are one event with the id if the proxy was killed', async () => {
    const one = upload(1);
    for (const order of ordersOf([byBackend(one, known), byLine(one)])) {
      for (const restart of [-1, 1]) {
        expect(await eventsOf(order, restart)).toMatchObject([{ resource_id: FILE, recovered: true }]);
      }
    }
  });

  test.each([
    ['the log', byLine(upload(1)), byBackend(upload(1), known)],
    ['the backend', byBackend(upload(1), known), byLine(upload(1))],
  ])('are one event if one of them comes late: %s first', async (_who, first, second) => {
    const { intake, open, clock, ids } = world();
    await intake.submit(first);
    clock.now += WAIT_MS;
    expect(await intake.recoverDue()).toBe(1);
    for (const collector of [intake, open()]) {
      expect(await collector.submit(second)).toEqual(['duplicate']);
      expect(await collector.submit(second)).toEqual(['duplicate']);
    }
    clock.now += WAIT_MS;
    await open().recoverDue();
    expect(ids()).toHaveLength(1);
    expect(await open().submit(byProxy(upload(1)))).toEqual(['duplicate']);
  });

  test('are one event without a proxy', async () => {
    const one = upload(1);
    const nginx = 'ef'.repeat(16);
    const line = mapLog(log(one, '', { ...seenAs(one), 'clowder.request.id': nginx }), context).candidates;
    const span = bySpan(one, `clowder=request:${nginx}`, known);
    for (const order of ordersOf([line, span])) {
      for (const restart of [-1, 1]) {
        const events = await eventsOf(order, restart);
        expect(events).toHaveLength(1);
      }
    }
  });

  test('lose no file of an upload of several', async () => {
    const one = upload(1);
    const spans = [FILE, OTHER].map((file) => byBackend(one, { 'clowder.file.id': file }));
    for (const order of ordersOf([...spans, byLine(one)])) expect(await eventsOf(order)).toHaveLength(2);
  });
});

describe('a sender that claims to be a capture but has no key for it', () => {
  const others = { ...context, believesCaptures: false };

  test.each([-1, 1, 2])('settles nothing that waits for the real capture, restart before %s', async (restart) => {
    const one = upload(1);
    // It knows the request, and claims that another file was stored.
    const forged = byProxy(one, { 'clowder.file.id': OTHER, 'clowder.event.id': 'ab'.repeat(16) }, others);
    const told = await eventsOf([forged, byBackend(one, { 'clowder.file.id': FILE })], restart);
    expect(told.map((body) => body['file_id'])).toEqual([OTHER, FILE]);
  });

  test('is one of the observers if only its key is wrong', async () => {
    for (const order of ordersOf([byProxy(upload(1), {}, others), byBackend(upload(1)), byLine(upload(1))]))
      expect(await eventsOf(order)).toMatchObject([{ resource_id: FILE }]);
  });
});

test("what a capture says counts as a capture's after a restart, whatever it observed", async () => {
  for (const source of ['proxy', 'sdk']) {
    const captured = byProxy(upload(1), { 'clowder.captured': true, 'clowder.source': source });
    expect(await eventsOf([captured, byBackend(upload(1))], 1)).toMatchObject([{ source, resource_id: FILE }]);
  }
});

describe('observations by the previous version', () => {
  const OLD = 'clowder=captured';
  const byOldProxy = (one: Request): readonly Candidate[] =>
    mapLog(
      log(one, `clowder.${one.type}`, {
        ...one.resource,
        'clowder.source': 'proxy',
        'clowder.event.id': derivedEventId(one.traceId, one.type, one.resourceId),
      }),
      context,
    ).candidates;

  test.each([
    ['a download', download(1)],
    ['an upload', upload(1)],
  ])('of %s are one event, in any order, even if NGINX is from this version', async (_what, one) => {
    for (const order of ordersOf([byOldProxy(one), bySpan(one, OLD), byLine(one, '1')]))
      expect(await eventsOf(order)).toMatchObject([{ source: 'proxy', resource_id: FILE }]);
  });

  test('in the journal still settle later ones, and are settled by them', async () => {
    const { journal, open, clock } = world();
    const waiting = bySpan(upload(1), OLD)[0]?.body;
    const done = byOldProxy(download(1))[0]?.body;
    await journal.write({
      append: [JSON.stringify(done)],
      hold: [
        { line: JSON.stringify(waiting), dueMs: 0, reason: 'waiting', attempts: 0 },
        { line: `strong:${TRACE}|dataset.created`, dueMs: 9e15, reason: 'remembered', attempts: 0 },
      ],
    });
    const intake = open();
    expect(await intake.submit([...bySpan(download(1), OLD), ...byOldProxy(download(1))])).toEqual(['duplicate', 'duplicate']); // prettier-ignore
    expect(await intake.submit(byOldProxy(upload(1)))).toEqual(['accepted']);
    const created = upload(1, { path: '/api/datasets', type: 'dataset.created' });
    expect(await intake.submit(bySpan(created, OLD))).toEqual(['duplicate']);
    clock.now += WAIT_MS;
    expect(await intake.recoverDue()).toBe(0);
    expect(journal.lines).toHaveLength(2);
  });
});
