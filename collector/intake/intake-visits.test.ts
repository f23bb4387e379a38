import { expect, test } from 'vitest';
import { VISITS, type SpaRequest } from '../../test/clowder/spa-traffic.ts';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
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
    'user_agent.original': 'Mozilla/5.0',
    'http.request.header.sec-fetch-dest': [destination],
    ...(referrer !== '' && { 'http.request.header.referer': [`https://clowder.example${referrer}`] }),
    ...(type !== '' && { 'http.response.header.content-type': [type] }),
  };
}

/** Each observer by itself: a line of the access log, and a span of a backend that records headers. */
const OBSERVERS: Readonly<Record<string, (request: SpaRequest, number: number) => readonly Candidate[]>> = {
  'the access log': (request, number) =>
    mapLog(
      {
        timeUnixNano: BigInt(NOW + number) * 1_000_000n,
        observedTimeUnixNano: 0n,
        eventName: '',
        body: undefined,
        attributes: attributesOf(request),
        resource: {},
        traceId: number.toString(16).padStart(32, '0'),
        spanId: '00f067aa0ba902b7',
      },
      context,
    ).candidates,
  'a span': (request, number) =>
    mapSpan(
      {
        traceId: number.toString(16).padStart(32, '0'),
        spanId: '00f067aa0ba902b7',
        parentSpanId: '',
        traceState: '',
        name: 'GET',
        kind: 2,
        startTimeUnixNano: BigInt(NOW + number) * 1_000_000n,
        endTimeUnixNano: BigInt(NOW + number) * 1_000_000n,
        attributes: attributesOf(request),
        events: [],
        resource: {},
      },
      context,
    ).candidates,
};

const meaningOf = (line: string): string => {
  const body = JSON.parse(line) as FlatBody;
  const type = body['preview'] === true ? 'preview' : body['tracked'] === false ? 'untracked' : body.event;
  return body['resource_id'] === undefined ? type : `${type} ${body['resource_id']}`;
};

test.each(
  VISITS.flatMap((visit) => Object.keys(OBSERVERS).map((observer) => [visit.person, observer, visit] as const)),
)('a person who %s, as %s tells it, does just that', async (_person, observer, { requests, means }) => {
  const { intake, journal } = world();
  for (const [index, request] of requests.entries())
    await intake.submit(OBSERVERS[observer]?.(request, index + 1) ?? []);
  expect(journal.lines.map(meaningOf)).toEqual(means);
});
